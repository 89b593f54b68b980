import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Scope, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { clearEvents, events, getText, note } from './observed-call.js';
import { closeApps, Hold, Lend, Outer, startApp } from './start-app.js';

afterEach(closeApps);
afterEach(clearEvents);

describe('the order around a route', () => {
  it('is that of the ranks, whatever the stacking', async () => {
    @Controller()
    class Orders {
      @Get('a')
      @Lend(note('lock'))
      @Outer(note('retry'))
      @Hold(note('txn'))
      a(): void {
        events.push('method');
      }
      @Get('b')
      @Hold(note('txn'))
      @Outer(note('retry'))
      @Lend(note('lock'))
      b(): void {
        events.push('method');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    for (const path of ['a', 'b']) {
      events.length = 0;
      await fetch(`${url}/${path}`);
      expect(events).toEqual([
        'lock begins',
        'retry begins',
        'txn begins',
        'method',
        'txn ends',
        'retry ends',
        'lock ends',
      ]);
    }
  });

  it('is the same with decorators on class and method, and each layer runs once per call', async () => {
    const between = {
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        events.push('between');
        return next.handle();
      },
    };
    @Controller()
    @UseInterceptors(between)
    @Hold(note('class txn'))
    @Lend(note('class lock'))
    class Orders {
      @Get('own')
      @Hold(note('own txn'))
      @Outer(note('own retry'))
      own(): void {
        events.push('method');
      }
      @Get('inherited')
      inherited(): void {
        events.push('method');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    await fetch(`${url}/own`);
    expect(events).toEqual([
      'class lock begins',
      'own retry begins',
      'own txn begins',
      'between',
      'method',
      'own txn ends',
      'own retry ends',
      'class lock ends',
    ]);
    events.length = 0;
    await fetch(`${url}/inherited`);
    expect(events).toEqual([
      'class lock begins',
      'class txn begins',
      'between',
      'method',
      'class txn ends',
      'class lock ends',
    ]);
  });

  it('holds for handlers of a class that extends a decorated one, and of two controllers that share it', async () => {
    class Base {
      @Get('find')
      @Hold(note('txn'))
      find(): string {
        return this.constructor.name;
      }
    }
    @Controller('a')
    class A extends Base {}
    @Controller('b')
    @Lend(note('lock'))
    class B extends Base {}
    const { url } = await startApp({ controllers: [A, B] });
    expect(await getText(`${url}/a/find`)).toBe('A');
    expect(await getText(`${url}/b/find`)).toBe('B');
    expect(events).toEqual(['txn begins', 'txn ends', 'lock begins', 'txn begins', 'txn ends', 'lock ends']);
  });

  it('holds on a request-scoped controller', async () => {
    @Controller({ path: '', scope: Scope.REQUEST })
    class Orders {
      constructor() {
        events.push('made');
      }
      @Get()
      @Hold(note('txn'))
      find(): string {
        return 'found';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('found');
    expect(events).toEqual(['made', 'txn begins', 'txn ends']);
  });

  it('leaves a route alone that no layer wants', async () => {
    @Controller()
    class Orders {
      @Get()
      @layerDecorator(Symbol('@Unknown'), true)
      find(): Observable<string> {
        return of('bare');
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('bare');
  });
});
