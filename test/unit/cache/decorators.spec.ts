import { describe, expect, it } from '@jest/globals';
import { Cached, CacheEvict, CachePut } from 'nestjs-cache-txn';

const untyped = { Cached, CacheEvict, CachePut } as unknown as Record<
  string,
  (key: unknown, options?: unknown) => MethodDecorator & ClassDecorator
>;

/** The refusal of a decorator with these arguments on a method. */
function refused(name: string, key: unknown, options?: unknown): () => unknown {
  return () => {
    class Service {
      method(): void {
        // Nothing: it is about the decorator.
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'method') as PropertyDescriptor;
    untyped[name]?.(key, options)(Service.prototype, 'method', descriptor);
  };
}

describe.each(['Cached', 'CacheEvict', 'CachePut'])('@%s refuses, when the class is defined,', (name) => {
  it.each([
    ['an option that does not exist', 'a', { tll: 5 }, `@${name} has no option 'tll'`],
    ['a malformed key', 'a:{', {}, 'the brace is never closed'],
    ['an empty key', '', {}, 'a template is a non-empty string'],
    ['null for a key', null, { tags: 't' }, `@${name}: first comes the key`],
    ['a malformed tag', 'a', { tags: ['t', 't:{'] }, 'the brace is never closed'],
    ['an empty list of tags', 'a', { tags: [] }, `@${name}: an empty list of tags`],
    ['tags that are none', 'a', { tags: 5 }, `@${name}: tags are a template, a list`],
    ['too many tags', 'a', { tags: Array.from({ length: 33 }, (_, i) => `t${i}`) }, '33 tags are more than the limit'],
  ])('%s', (_what, key, options, message) => {
    expect(refused(name, key, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(refused(name, key, options)).toThrow(message);
  });

  it('a class, whose methods would share the key', () => {
    const decorate = (): unknown =>
      untyped[name]?.('a')(
        class Shared {
          readonly some = 'member';
        } as never,
        undefined as never,
        undefined as never,
      );
    expect(decorate).toThrow(`@${name} on Shared is about one method`);
  });

  it('to stand without parentheses', () => {
    class Service {
      readonly name = 'service';
    }
    expect(() => untyped[name]?.(Service.prototype)).toThrow(`write @${name}(`);
  });
});

it.each([
  ['Cached', { ttl: 'soon' }, 'cache.ttl'],
  ['Cached', { timeout: 0 }, 'cache.timeout'],
  ['Cached', { wait: '2h' }, 'cache.wait'],
  ['CachePut', { ttl: -1 }, 'cache.ttl'],
])('@%s refuses %j', (name, options, message) => {
  expect(refused(name, 'a', options)).toThrow(message);
});

it.each(['Cached', 'CachePut'])('@%s is about one key, which comes first', (name) => {
  expect(refused(name, { key: 'a' }, { ttl: '1m' })).toThrow(`@${name}: first comes the key, a template or a function`);
  expect(refused(name, ['a', 'b'])).toThrow(`@${name}: it is about one key, not a list of them`);
});

it('@CacheEvict takes keys, tags, or both, and nothing else', () => {
  expect(refused('CacheEvict', { tags: 't' })).not.toThrow();
  expect(refused('CacheEvict', ['a', 'b'], { tags: ['t:{params.id}'] })).not.toThrow();
  for (const nothing of [undefined, {}, { store: 'other' }, { tags: undefined }]) {
    expect(refused('CacheEvict', nothing)).toThrow('@CacheEvict: it names neither keys nor tags');
  }
  expect(refused('CacheEvict', { tags: 't', floor: () => 1 })).toThrow('a floor is left in the place of keys');
  expect(refused('CacheEvict', 'a', { floor: 7 })).toThrow('@CacheEvict: floor: a function belongs here');
  expect(refused('CacheEvict', { key: 'a' })).toThrow("@CacheEvict has no option 'key'");
  expect(refused('CacheEvict', undefined, { tags: 't' })).toThrow('@CacheEvict: first comes the key');
  expect(refused('CacheEvict', { tags: 't' }, { tags: 't' })).toThrow('@CacheEvict: first comes the key');
});

it('@Cached takes options without a key, and knows them', () => {
  expect(refused('Cached', undefined)).not.toThrow();
  expect(refused('Cached', { ttl: '1m' })).not.toThrow();
  expect(refused('Cached', { key: 'a' })).toThrow("@Cached has no option 'key'");
  expect(refused('Cached', undefined, { ttl: 'soon' })).toThrow('first comes the key');
});

it.each([
  [{ public: 'yes' }, 'public is true or false'],
  [{ principal: 'user.id' }, 'principal: give a function of the request, not a string'],
  [{ vary: 'headers.accept-language' }, "it is a list of names such as 'headers.accept-language'"],
  [{ vary: [1] }, 'a number is no name'],
  [{ vary: ['{query.page}'] }, 'write query.page without braces'],
  [{ vary: ['cookies.theme'] }, '{cookies.theme} starts with none of'],
  [{ vary: ['query.__proto__.a'] }, 'reads __proto__'],
  [{ vary: ['headers.a,b'] }, '"a,b" is no name of a header'],
  [{ vary: ['headers.Authorization'] }, 'authorization is a secret'],
  [{ vary: ['headers.cookie'] }, 'cookie is a secret'],
])('@Cached refuses %j', (options, message) => {
  expect(refused('Cached', 'a', options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  expect(refused('Cached', options)).toThrow(message);
});
