import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Param,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import { retry } from 'rxjs';
import { clearEvents, events, getText, note } from './observed-call.js';
import { closeApps, Hold, Outer, startApp } from './start-app.js';

afterEach(closeApps);
afterEach(clearEvents);

describe('a second attempt', () => {
  it('runs inner interceptors, pipes and the method again, but no guard', async () => {
    const guard = { canActivate: () => events.push('guard') > 0 };
    const pipe = { transform: (value: string) => `${value}, pipe ${events.push('pipe')}` };
    const inner = {
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        events.push('interceptor');
        return next.handle();
      },
    };
    const seen: string[] = [];
    @Controller()
    class Orders {
      @Get(':id')
      @UseGuards(guard)
      @UsePipes(pipe)
      @UseInterceptors(inner)
      @Outer(async (_call, next) => {
        await next().catch(() => undefined);
        return next();
      })
      find(@Param('id') id: string): string {
        events.push('method');
        seen.push(id);
        if (seen.length === 1) throw new Error('conflict');
        return id;
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(`${url}/7`)).toBe('7, pipe 6');
    expect(events).toEqual(['guard', 'interceptor', 'pipe', 'method', 'interceptor', 'pipe', 'method']);
    // Each attempt reads its arguments afresh, not what the pipes made of them before.
    expect(seen).toEqual(['7, pipe 3', '7, pipe 6']);
  });

  it('goes through the whole pipeline when an interceptor outside of it subscribes again', async () => {
    const outside = {
      intercept: (_context: ExecutionContext, next: CallHandler) => next.handle().pipe(retry(1)),
    };
    let runs = 0;
    @Controller()
    @UseInterceptors(outside)
    class Orders {
      @Get()
      @Hold(note('txn'))
      find(): string {
        runs += 1;
        if (runs === 1) throw new Error('first');
        return 'second';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });
    expect(await getText(url)).toBe('second');
    expect(events).toEqual(['txn begins', 'txn begins', 'txn ends']);
  });
});
