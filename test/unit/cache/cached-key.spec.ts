import { describe, expect, it } from '@jest/globals';
import { Controller, Get, type Type } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { canonicalUrl } from '../../../src/cache/decorators/canonical-url.js';
import { compileCachedKey } from '../../../src/cache/decorators/cached-key.js';
import {
  CACHED,
  Cached,
  type CachedMetadata,
  type CachedOptions,
} from '../../../src/cache/decorators/cached.decorator.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { makeCall } from '../pipeline/make-call.js';

/** The key of a method of each kind, with `@Cached` as given. */
function kinds(key?: string, options?: CachedOptions) {
  const cached = key === undefined ? Cached(options) : Cached(key, options);
  class Service {
    @cached
    method(): void {}
  }
  @Controller()
  class Routes {
    @Get()
    @cached
    method(): void {}
  }
  @Controller()
  class Messages {
    @MessagePattern('read')
    @cached
    method(): void {}
  }
  @Resolver()
  class Fields {
    @Query(() => String)
    @cached
    method(): void {}
  }
  const compile = (target: Type<{ method(): void }>, host: 'provider' | 'controller') => () => {
    const method = describeMethod(target, 'method', (target.prototype as { method(): void }).method, host);
    return compileCachedKey(method.metadata<CachedMetadata>(CACHED)!, {}, method);
  };
  return {
    provider: compile(Service, 'provider'),
    route: compile(Routes, 'controller'),
    message: compile(Messages, 'controller'),
    field: compile(Fields, 'controller'),
  };
}

type Kind = keyof ReturnType<typeof kinds>;
const ALL: readonly Kind[] = ['provider', 'route', 'message', 'field'];

describe('@Cached is refused at boot', () => {
  it('without the host on a controller of one among others', () => {
    @Controller({ host: ':account.example' })
    class Accounts {
      @Get()
      @Cached()
      all(): void {}
      @Get('named')
      @Cached('of:{params.account}')
      named(): void {}
      @Get('varied')
      @Cached({ vary: ['headers.host'] })
      varied(): void {}
    }
    const compile = (name: 'all' | 'named' | 'varied') => () => {
      const method = describeMethod(Accounts, name, Accounts.prototype[name], 'controller');
      return compileCachedKey(method.metadata<CachedMetadata>(CACHED)!, {}, method);
    };
    expect(compile('all')).toThrow("it needs vary: ['headers.host'], or a key");
    for (const name of ['named', 'varied'] as const) expect(compile(name)).not.toThrow();
  });

  it.each<[string, [string | undefined, CachedOptions], readonly Kind[], string]>([
    ['without a key', [undefined, {}], ['provider', 'message', 'field'], 'it needs a key'],
    ['that is public', ['a', { public: true }], ['provider', 'message'], 'public and principal are about a request'],
    ['with a principal', ['a', { principal: () => 'a' }], ['provider', 'message'], 'about a request'],
    ['that varies by a header', ['a', { vary: ['headers.a'] }], ['provider', 'message'], 'vary reads headers'],
    ['that varies by a message', ['a', { vary: ['data.a'] }], ['provider', 'route'], 'vary reads data'],
    ['public, of a user', ['a:{user.id}', { public: true }], ALL, ''],
    ['public, by user', ['a', { public: true, vary: ['user.id'] }], ALL, ''],
    ['public, with a principal', ['a', { public: true, principal: () => 'a' }], ALL, ''],
  ])('%s', (_what, given, refusing, message) => {
    const compiled = kinds(...given);
    for (const kind of ALL) {
      const compile = expect(compiled[kind]);
      if (!refusing.includes(kind)) compile.not.toThrow();
      else {
        compile.toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
        compile.toThrow(message);
      }
    }
  });
});

describe('the key of @Cached', () => {
  const request = { user: { id: 7 } };

  it('S21: has the principal for a request, of a route or of a resolver, and none where there is no request', () => {
    const compiled = kinds('a');
    const keyOf = (kind: Kind, transport: 'http' | 'graphql' | 'rpc' | 'ws' | 'provider') =>
      compiled[kind]()(makeCall({ transport, request })).key;
    expect([keyOf('route', 'http'), keyOf('field', 'graphql')]).toEqual(Array(2).fill('a:%user:id:7'));
    expect([keyOf('message', 'rpc'), keyOf('message', 'ws'), keyOf('provider', 'provider')]).toEqual(['a', 'a', 'a']);
  });

  it('is none for a route that is called by a message, and has no URL', () => {
    expect(kinds().route()(makeCall({ transport: 'rpc' })).key).toBeUndefined();
  });

  it('varies by the arguments of a provider', () => {
    const keyOf = kinds('a', { vary: ['args.0', 'args.1'] }).provider();
    expect([['b:c'], ['b', 'c'], [undefined, 0]].map((args) => keyOf(makeCall({ args })).key)).toEqual([
      'a:%vary:b%3Ac:',
      'a:%vary:b:c',
      'a:%vary::0',
    ]);
  });
});

describe('a URL has one spelling', () => {
  it.each([
    ['/a', '/a'],
    ['/a?', '/a'],
    ['/a?&&', '/a'],
    ['/%41%2f%e2%82%ac', '/A%2F%E2%82%AC'],
    ['/a+b?a+b=c+d', '/a%2Bb?a%20b=c%20d'],
    ['/a?b=1&a=2&a=1', '/a?a=2&a=1&b=1'],
    ['/a?b=&a', '/a?a&b='],
    ['/a?=b=c', '/a?=b%3Dc'],
    ['/a?x[]=1&x=2&a=3', '/a?a=3&x%5B%5D=1&x=2'],
    ['/a?x=2&x[]=1', '/a?x=2&x%5B%5D=1'],
    ['/a?x%5Bb%5D=1&x[a]=2', '/a?x%5Bb%5D=1&x%5Ba%5D=2'],
    ['/a/../b/./c//d', '/a/../b/./c//d'],
    ['//evil/a', '//evil/a'],
    ['/a:b{c}', '/a%3Ab%7Bc%7D'],
  ])('%s', (url, spelling) => {
    expect(canonicalUrl(url)).toBe(spelling);
    expect(canonicalUrl(spelling)).toBe(spelling);
  });

  it.each(['/%', '/a?b=%c3', '/%zz', '/a#b', '/a?b#c', '/a;b=1'])('or none: %s', (url) => {
    expect(canonicalUrl(url)).toBeUndefined();
  });
});
