import { describe, expect, it } from '@jest/globals';
import { Reflector } from '@nestjs/core';
import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import type { Observable } from 'rxjs';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import { Locked } from '../../../src/lock/locked.decorator.js';
import { isDecorated, layerDecorator } from '../../../src/pipeline/decorate.js';
import { PipelineInterceptor } from '../../../src/pipeline/pipeline.interceptor.js';
import { CacheTxn } from '../../../src/txn/cache-txn.decorator.js';
import { Versioned } from '../../../src/version/versioned.decorator.js';

const LOCKED = Symbol('@Locked');
const TXN = Symbol('@CacheTxn');
const locked = (value: string) => layerDecorator(LOCKED, value);
const txn = (value: string) => layerDecorator(TXN, value);

class Other implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

const interceptorsOf = (target: object): unknown => Reflect.getMetadata(INTERCEPTORS_METADATA, target);

describe('a layer decorator', () => {
  it("writes metadata where Nest's Reflector finds it, on methods and classes", () => {
    @txn('class')
    class Orders {
      @locked('method')
      place(): void {}
    }
    const reflector = new Reflector();
    expect(reflector.get<string>(LOCKED as unknown as string, Orders.prototype.place)).toBe('method');
    expect(reflector.get<string>(TXN as unknown as string, Orders)).toBe('class');
  });

  it('attaches the interceptor once, however many are stacked', () => {
    @locked('a')
    @txn('b')
    class Orders {
      @locked('a')
      @txn('b')
      place(): void {}
    }
    expect(interceptorsOf(Orders)).toEqual([PipelineInterceptor]);
    expect(interceptorsOf(Orders.prototype.place)).toEqual([PipelineInterceptor]);
  });

  it('keeps the interceptors of others, and a class keeps those of the class it extends', () => {
    @UseInterceptors(Other)
    @locked('a')
    class Base {}
    @txn('b')
    class Child extends Base {}
    expect(interceptorsOf(Child)).toEqual([PipelineInterceptor, Other]);
    expect(isDecorated(Child)).toBe(true);
    expect(isDecorated(Other)).toBe(false);
  });

  it('may override on a class what the class it extends has', () => {
    @locked('base')
    class Base {}
    @locked('child')
    class Child extends Base {}
    expect(Reflect.getMetadata(LOCKED, Child)).toBe('child');
    expect(Reflect.getMetadata(LOCKED, Base)).toBe('base');
  });

  it('refuses a second one of its kind instead of dropping the first', () => {
    class Orders {
      place(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'place')!;
    locked('a')(Orders.prototype, 'place', descriptor);
    expect(() => locked('b')(Orders.prototype, 'place', descriptor)).toThrow(InvalidOptionsError);
    expect(() => locked('b')(Orders.prototype, 'place', descriptor)).toThrow(
      '@Locked on Orders.place is already there',
    );
    locked('a')(Orders);
    expect(() => locked('b')(Orders)).toThrow('@Locked on Orders is already there');
  });

  it('refuses static methods, accessors, properties and symbols when the class is defined', () => {
    class Orders {
      static make(): void {}
      get total(): number {
        return 1;
      }
      [Symbol.iterator](): void {}
    }
    const on = (target: object, name: string | symbol): void => {
      (locked('a') as (target: object, name: unknown, descriptor: unknown) => void)(
        target,
        name,
        Object.getOwnPropertyDescriptor(target, name),
      );
    };
    expect(() => on(Orders, 'make')).toThrow('@Locked on Orders.make cannot work on a static method');
    expect(() => on(Orders.prototype, 'total')).toThrow('@Locked on Orders.total works on methods only');
    expect(() => on(Orders.prototype, 'arrow')).toThrow('@Locked on Orders.arrow works on methods only');
    expect(() => on(Orders.prototype, Symbol.iterator)).toThrow('needs a method with a plain name');
  });
});

describe('a decorator without its parentheses', () => {
  class Orders {
    place(): void {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'place')!;

  it.each<[string, unknown]>([
    ['@CacheTxn()', CacheTxn],
    ['@Versioned()', Versioned],
    ["@Locked('order:{params.id}')", Locked],
  ])('is refused on methods and classes with how it is written: %s', (usage, factory) => {
    const bare = factory as (...decorated: unknown[]) => unknown;
    const message = `a decorator in Orders stands without its parentheses: write ${usage}`;
    expect(() => bare(Orders.prototype, 'place', descriptor)).toThrow(message);
    expect(() => bare(Orders)).toThrow(message);
  });

  it('is nothing that a function of the call looks like', () => {
    for (const source of [() => 'a', () => ['a'], async () => 'a', Object.assign(() => 'a', { constructor: Orders })])
      expect(() => Locked(source as () => string)).not.toThrow();
  });
});
