import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Patch, Res, Scope, Sse, type Type } from '@nestjs/common';
import {
  CacheTxn,
  type CacheTxnOptions,
  Locked,
  memoryStore,
  Versioned,
  type VersionedOptions,
} from 'nestjs-cache-txn';
import { of } from 'rxjs';
import { TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

const boot = (target: Type, kind: 'controllers' | 'providers' = 'controllers') =>
  scene.app({ [kind]: [target], module: { store: memoryStore() } });

const refused = (message: RegExp) => ({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) });

describe('at boot', () => {
  it.each([
    ['@CacheTxn', CacheTxn()],
    ['@Versioned', Versioned()],
  ])('G38: %s is refused on an event stream and on a method that answers by itself', async (_name, decorator) => {
    @Controller()
    class Streaming {
      @Sse('stream')
      @decorator
      stream() {
        return of({ data: 1 });
      }
    }
    @Controller()
    class Answering {
      @Get()
      @decorator
      answer(@Res() response: { send(body: string): void }) {
        response.send('by itself');
      }
    }
    await expect(boot(Streaming)).rejects.toMatchObject(refused(/Streaming\.stream.*@Sse/));
    await expect(boot(Answering)).rejects.toMatchObject(refused(/Answering\.answer.*@Res/));
  });

  it('G38: @Locked alone is fine there', async () => {
    @Controller()
    class Streaming {
      @Sse('stream')
      @Locked('stream')
      stream() {
        return of({ data: 'one' });
      }
      @Get()
      @Locked('answer')
      answer(@Res() response: { send(body: string): void }) {
        response.send('by itself');
      }
    }
    const { send } = await boot(Streaming);
    expect((await send('GET', '/stream')).text).toContain('data: one');
    expect((await send('GET', '/')).text).toBe('by itself');
  });

  it('G38: a request-scoped provider is refused, a request-scoped controller is not', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @CacheTxn()
      work() {
        return 'done';
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class PerRequestController {
      @Get()
      @CacheTxn()
      work() {
        return 'done';
      }
    }
    await expect(boot(PerRequest, 'providers')).rejects.toMatchObject(refused(/request-scoped/));
    expect((await (await boot(PerRequestController)).send('GET', '/')).text).toBe('done');
  });

  it('G38: a resource is refused on a provider, which has no request', async () => {
    @Injectable()
    class Provider {
      @Versioned({ resource: 'event:{args.0}' })
      work(id: string) {
        return id;
      }
    }
    await expect(boot(Provider, 'providers')).rejects.toMatchObject(refused(/Provider\.work.*resource/));
  });

  it.each<CacheTxnOptions>([
    { readOnly: true },
    { propagation: 'supports' },
    { propagation: 'not_supported' },
    { propagation: 'never' },
    { propagation: 'mandatory' },
  ])(
    'G38: a method that changes a resource is refused with @CacheTxn(%j): its If-Match needs a commit',
    async (options) => {
      @Controller()
      class Events {
        @Patch(':id')
        @CacheTxn(options)
        @Versioned({ resource: 'event:{params.id}' })
        patch() {
          return {};
        }
      }
      await expect(boot(Events)).rejects.toMatchObject(refused(/Events\.patch/));
    },
  );
});

describe('when the class is defined', () => {
  it.each<CacheTxnOptions>([
    { timeout: 0 },
    { timeout: 'soon' as '1s' },
    { isolation: 'snapshot' as 'serializable' },
    { propagation: 'REQUIRED' as 'required' },
  ])('G38: @CacheTxn(%j) is refused', (options) => {
    expect(() => CacheTxn(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it.each<VersionedOptions>([
    { attempts: 0 },
    { attempts: 101 },
    { backoff: { initial: 'soon' as '1s' } },
    { budget: -1 },
    { escalateAfter: 0 },
    { etag: true },
    { requireIfMatch: true },
    { resource: 'event:{params.id' },
    { resource: 'event:{query}' },
    { resource: '' },
  ])('G38: @Versioned(%j) is refused', (options) => {
    expect(() => Versioned(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  it('G38: a second decorator of a kind is refused', () => {
    expect(() => {
      class Twice {
        @CacheTxn()
        @CacheTxn({ readOnly: true })
        work() {
          return 1;
        }
      }
      return Twice;
    }).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
