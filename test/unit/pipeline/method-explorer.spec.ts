import { describe, expect, it } from '@jest/globals';
import { All, Body, Controller, Get, Next, Param, Post, Res, SetMetadata, Sse } from '@nestjs/common';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { methodName } from '../../../src/pipeline/decorated-method.js';
import { decoratedMethods } from '../../../src/pipeline/method-explorer.js';

const KEY = Symbol('@Locked');
const OTHER = Symbol('@CacheTxn');
const locked = (value = 'locked') => layerDecorator(KEY, value);

const namesOf = (target: new () => object, isController = false): string[] =>
  decoratedMethods(target, isController)
    .map(({ name, host }) => `${host} ${name}`)
    .sort();

describe('the decorated methods of a class', () => {
  it('are those with a decorator of their own, inherited ones included', () => {
    class Base {
      @locked()
      inherited(): void {}
      @locked()
      overridden(): void {}
    }
    class Orders extends Base {
      @locked()
      own(): void {}
      plain(): void {}
      override overridden(): void {}
    }
    expect(namesOf(Orders)).toEqual(['provider inherited', 'provider own']);
  });

  it('are all public methods when the class of a provider is decorated', () => {
    class Base {
      inherited(): void {}
    }
    @locked()
    class Orders extends Base {
      field = (): void => undefined;
      static make(): void {}
      get total(): number {
        return 1;
      }
      set total(_value: number) {}
      own(): void {
        this.#secret();
      }
      _private(): void {}
      #secret(): void {}
      [Symbol.iterator](): void {}
      onModuleInit(): void {}
      onApplicationBootstrap(): void {}
      onModuleDestroy(): void {}
      beforeApplicationShutdown(): void {}
      onApplicationShutdown(): void {}
    }
    expect(namesOf(Orders)).toEqual(['provider inherited', 'provider own']);
    class Child extends Orders {
      more(): void {}
    }
    expect(namesOf(Child)).toEqual(['provider inherited', 'provider more', 'provider own']);
  });

  it('include a lifecycle hook or an underscored name that has a decorator of its own', () => {
    class Orders {
      @locked()
      onModuleInit(): void {}
      @locked()
      _sweep(): void {}
    }
    expect(namesOf(Orders)).toEqual(['provider _sweep', 'provider onModuleInit']);
  });

  it('are the handlers only when the class of a controller is decorated', () => {
    @Controller()
    @locked()
    class Orders {
      @Get()
      find(): void {}
      helper(): void {}
    }
    expect(namesOf(Orders, true)).toEqual(['controller find']);
  });

  it('of a controller that are no handlers count as provider methods when they have a decorator of their own', () => {
    class Orders {
      @Get()
      @locked()
      find(): void {}
      @locked()
      nightly(): void {}
    }
    expect(namesOf(Orders, true)).toEqual(['controller find', 'provider nightly']);
  });

  it.each([
    ['a gateway', 'websockets:is_gateway', 'websockets:message_mapping'],
    ['a resolver', 'graphql:resolver_type', 'graphql:resolver_type'],
  ])('are the handlers only when the class of %s is decorated', (_what, classKey, methodKey) => {
    @SetMetadata(classKey, true)
    @locked()
    class Orders {
      @SetMetadata(methodKey, true)
      find(): void {}
      helper(): void {}
    }
    expect(namesOf(Orders)).toEqual(['controller find']);
  });

  it('of a microservice are its message patterns', () => {
    @locked()
    class Orders {
      @SetMetadata('microservices:pattern', ['find'])
      find(): void {}
      helper(): void {}
    }
    expect(namesOf(Orders, true)).toEqual(['controller find']);
  });

  it('know their verb, and the metadata of the method before that of the class', () => {
    @locked('class')
    @layerDecorator(OTHER, 'other')
    class Orders {
      @Post()
      @locked('method')
      place(): void {}
      @Get()
      find(): void {}
      @All()
      any(): void {}
      helper(): void {}
    }
    const methods = new Map(decoratedMethods(Orders, true).map((method) => [method.name, method]));
    expect(methods.get('place')?.metadata(KEY)).toBe('method');
    expect(methods.get('place')?.metadata(OTHER)).toBe('other');
    expect(methods.get('find')?.metadata(KEY)).toBe('class');
    expect(methods.get('find')?.metadata(Symbol('none'))).toBeUndefined();
    expect([...methods.values()].map(({ name, httpMethod }) => [name, httpMethod])).toEqual([
      ['place', 'POST'],
      ['find', 'GET'],
      ['any', 'ALL'],
    ]);
    expect(decoratedMethods(Orders, false).find(({ name }) => name === 'helper')?.httpMethod).toBeUndefined();
  });

  it('know who sends their answer', () => {
    @locked()
    class Orders {
      @Get()
      value(@Param('id') id: string, @Body() body: unknown): unknown {
        return [id, body];
      }
      @Sse()
      events(): void {}
      @Get()
      manual(@Param('id') id: string, @Res() res: unknown): unknown {
        return [id, res];
      }
      @Get()
      passthrough(@Res({ passthrough: true }) res: unknown): unknown {
        return res;
      }
      @Get()
      next(@Next() next: unknown): unknown {
        return next;
      }
    }
    class Child extends Orders {}
    for (const target of [Orders, Child]) {
      expect(decoratedMethods(target, true).map(({ name, answer }) => [name, answer])).toEqual([
        ['value', 'returned'],
        ['events', 'sse'],
        ['manual', 'response'],
        ['passthrough', 'returned'],
        ['next', 'response'],
      ]);
    }
  });

  it('are found by their function, whatever name another decorator gave it', () => {
    class Orders {
      find(): void {}
      alias(): void {}
    }
    Orders.prototype.alias = function anonymous(): void {};
    class Child extends Orders {}
    expect(methodName(Child, Orders.prototype.find)).toBe('find');
    expect(methodName(Child, Orders.prototype.alias)).toBe('alias');
    expect(methodName(Child, function elsewhere(): void {})).toBe('elsewhere');
  });
});
