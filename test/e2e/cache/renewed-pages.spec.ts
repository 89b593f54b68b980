import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, Inject, Injectable, Param, UseInterceptors } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import {
  Cached,
  type CachedOptions,
  CacheTxn,
  CurrentLock,
  CurrentTxn,
  type Lock,
  Locked,
  type Transaction,
  TransactionalCache,
} from 'nestjs-cache-txn';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Observable } from 'rxjs';
import { callScope } from '../../../src/base/async-scope.js';
import { currentCall } from '../../../src/pipeline/current-call.js';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { type Milestone, milestone } from '../../support/txn-world.js';

/** How a run of the method ends; the first one does at once. */
@Injectable()
class Desk {
  runs = 0;
  ends = 0;
  /** What the next renewals wait for. */
  door: Milestone = milestone();
  failure: Error | undefined;
  readonly signals: AbortSignal[] = [];

  async work(): Promise<{ run: number }> {
    this.runs += 1;
    const run = this.runs;
    const signal = callScope.get(currentCall)?.signal;
    if (signal !== undefined) this.signals.push(signal);
    if (run > 1) await this.door.reached;
    this.ends += 1;
    if (run > 1 && this.failure !== undefined) throw this.failure;
    return { run };
  }
}

/** Stale from the beginning; fresh when it has been loaded anew. */
const RENEWED: CachedOptions = {
  ttl: ({ run }: { run: number }) => (run === 1 ? 1 : '1h'),
  staleWhileRevalidate: '1h',
};

@Injectable()
class Counts implements NestInterceptor {
  static runs = 0;

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    Counts.runs += 1;
    return next.handle();
  }
}

@Controller('pages')
class Pages {
  constructor(
    @Inject(Desk) private readonly desk: Desk,
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
  ) {}

  @Get('plain/:id')
  @Header('x-own', 'kept')
  @UseInterceptors(Counts)
  @Cached('page:{params.id}', RENEWED)
  plain(@Param('id') _id: string) {
    return this.desk.work();
  }

  @Get('guarded/:id')
  @Cached('page:{params.id}', RENEWED)
  @Locked('lock:{params.id}')
  @CacheTxn()
  async guarded(@Param('id') id: string, @CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
    await this.cache.set(`written:${id}`, { fence: lock.fence, txn: txn.id });
    return this.desk.work();
  }
}

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('a page that is renewed behind its reader, on %s', (adapter) => {
  let app: TxnApp;
  let desk: Desk;
  beforeEach(async () => {
    app = await scene.app({ adapter, controllers: [Pages], providers: [Desk] });
    desk = app.app.get(Desk);
  });

  const get = (path: string) => app.send('GET', `/pages/${path}`);
  const shown = async (path: string) => {
    const { status, body, headers } = await get(path);
    return [status, body, headers['x-cache']];
  };
  /** Loads the page, and waits until its time is over: then one answer after the other is an old one. */
  const stale = async (path: string) => {
    expect(await shown(path)).toEqual([200, { run: 1 }, 'MISS']);
    return eventually(async () => {
      const answer = await get(path);
      expect(answer.headers['x-cache']).toBe('STALE');
      return answer;
    });
  };

  it('G31: the old one leaves at once, with its ETag; the method runs once, to its end, and its page is the next', async () => {
    const before = Counts.runs;
    const old = await stale('plain/1');
    expect([old.body, old.headers['x-own']]).toEqual([{ run: 1 }, 'kept']);
    expect(old.headers.etag).toBe(`"${(await app.cache.getEntry('page:1'))?.version}"`);
    await eventually(() => desk.runs === 2);
    expect(await Promise.all([shown('plain/1'), shown('plain/1')])).toEqual(Array(2).fill([200, { run: 1 }, 'STALE']));
    expect([desk.ends, await app.cache.get('page:1')]).toEqual([1, { run: 1 }]);
    desk.door.reach();
    await eventually(async () => expect(await app.cache.get('page:1')).toEqual({ run: 2 }));
    expect(await shown('plain/1')).toEqual([200, { run: 2 }, 'HIT']);
    expect([desk.runs, desk.ends, Counts.runs - before, app.log]).toEqual([2, 2, 2, []]);
  });

  it('what the method throws is logged once, and changes nothing', async () => {
    desk.failure = new Error('the database is away');
    await stale('plain/1');
    await eventually(() => desk.runs === 2);
    desk.door.reach();
    await eventually(() => app.log.length > 0);
    expect([await app.cache.get('page:1'), (await get('plain/1')).status]).toEqual([{ run: 1 }, 200]);
    // Each renewal has a failure of its own; they are the same error here, which is told once.
    await eventually(() => desk.ends > 2);
    expect(app.log).toEqual([expect.stringContaining('the database is away')]);
  });

  it('a client that has left with its answer ends nothing', async () => {
    await stale('plain/1');
    await eventually(() => desk.runs === 2);
    // Its connection is closed: the client of the tests keeps none.
    const { port } = app.app.getHttpServer().address() as AddressInfo;
    await new Promise<void>((resolve, reject) => {
      const sending = request({ host: '127.0.0.1', port, path: '/pages/plain/1', agent: false }, (response) => {
        response.resume().on('end', () => sending.destroy());
      });
      sending.on('close', resolve).on('error', reject).end();
    });
    expect(desk.signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    desk.door.reach();
    await eventually(async () => expect(await app.cache.get('page:1')).toEqual({ run: 2 }));
    expect(app.log).toEqual([]);
  });

  it('@Locked and @CacheTxn of the method are around that run as well', async () => {
    await stale('guarded/1');
    await eventually(() => desk.runs === 2);
    expect((await app.locks.inspect('lock:1'))?.waiters).toBe(0);
    await app.cache.delete('written:1');
    const other = app.locks.acquire('lock:1');
    await eventually(async () => expect((await app.locks.inspect('lock:1'))?.waiters).toBe(1));
    expect(await app.cache.has('written:1')).toBe(false);
    desk.door.reach();
    const { fence } = await other;
    // The transaction was committed before the lock was given back.
    const written = await app.cache.get<{ fence: number; txn: string }>('written:1');
    expect(written).toEqual({ fence: expect.any(Number), txn: expect.any(String) });
    expect(written!.fence).toBeLessThan(fence);
    await eventually(async () => expect(await app.cache.get('page:1')).toEqual({ run: 2 }));
    expect([await shown('guarded/1'), app.log]).toEqual([[200, { run: 2 }, 'HIT'], []]);
  });
});
