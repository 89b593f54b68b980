import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Post } from '@nestjs/common';
import { CacheTxn, CurrentTxn, Locked, type Transaction, TransactionalCache, Versioned } from 'nestjs-cache-txn';
import { once } from 'node:events';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { milestone, type Milestone } from '../../support/txn-world.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

/** What one test makes its methods do. */
interface Course {
  readonly started: Milestone;
  readonly end: Milestone;
  readonly outcomes: string[];
  runs: number;
  signal: AbortSignal | undefined;
}
let course: Course;

@Controller()
class Orders {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  /** Notices that its client has left. */
  @Post('attentive')
  @Locked('order')
  @Versioned()
  @CacheTxn()
  async attentive(@CurrentTxn() txn: Transaction) {
    this.begin(txn);
    await this.cache.set('order', 'paid');
    course.started.reach();
    if (!txn.signal.aborted) await once(txn.signal, 'abort');
    await this.cache.set('order', 'shipped');
  }

  @Post('unlocked')
  @CacheTxn()
  unlocked(@CurrentTxn() txn: Transaction) {
    return this.attentive(txn);
  }

  /** Goes on without looking at any signal. */
  @Post('busy')
  @Locked('order')
  @CacheTxn()
  async busy(@CurrentTxn() txn: Transaction) {
    this.begin(txn);
    await this.cache.set('order', 'paid');
    course.started.reach();
    await course.end.reached;
  }

  @Post('slow')
  @Locked('order')
  @CacheTxn({ timeout: '200ms' })
  slow(@CurrentTxn() txn: Transaction) {
    return this.busy(txn);
  }

  private begin(txn: Transaction): void {
    course.runs += 1;
    course.signal = txn.signal;
    txn.afterCompletion((outcome) => void course.outcomes.push(outcome));
  }
}

/** Calls a route and leaves while its method works. */
async function leave(app: TxnApp, path: string): Promise<void> {
  course = { started: milestone(), end: milestone(), outcomes: [], runs: 0, signal: undefined };
  const client = new AbortController();
  const answer = app.send('POST', path, { signal: client.signal });
  await course.started.reached;
  client.abort();
  await expect(answer).rejects.toThrow();
  await eventually(() => course.signal?.aborted ?? false, { what: 'the signal of the transaction' });
}

describe.each(ADAPTERS)('a client that leaves a call on %s', (adapter) => {
  it('G36: has its transaction rolled back and its lock released, and the call is not tried again', async () => {
    const app = await scene.app({ controllers: [Orders], adapter });
    await leave(app, '/attentive');
    await eventually(() => course.outcomes.length === 1, { what: 'the end of the transaction' });
    await (await app.locks.acquire('order')).release();
    expect([course.outcomes, course.runs, await app.cache.has('order')]).toEqual([['rolled-back'], 1, false]);
    expect((await scene.keys(app)).filter((key) => !key.startsWith('l:'))).toEqual([]);
  });

  it('G36: has its transaction rolled back where there is no lock, too', async () => {
    const app = await scene.app({ controllers: [Orders], adapter });
    await leave(app, '/unlocked');
    await eventually(() => course.outcomes.length === 1, { what: 'the end of the transaction' });
    expect([course.outcomes, await app.cache.has('order')]).toEqual([['rolled-back'], false]);
  });

  it('G36: does not free the lock under a method that goes on working, and nothing of it is committed', async () => {
    const app = await scene.app({ controllers: [Orders], adapter });
    await leave(app, '/busy');
    const waiting = app.locks.acquire('order');
    await eventually(async () => (await app.locks.inspect('order'))?.waiters === 1, { what: 'a waiter' });
    expect(course.outcomes).toEqual([]);
    course.end.reach();
    await (await waiting).release();
    expect([course.outcomes, await app.cache.has('order')]).toEqual([['rolled-back'], false]);
  });
});

describe.each(ADAPTERS)('a call on %s that outlasts the time of its transaction', (adapter) => {
  it('G7, G21: is answered in time, and its lock is nobody else’s before its method has settled', async () => {
    const app = await scene.app({ controllers: [Orders], adapter });
    course = { started: milestone(), end: milestone(), outcomes: [], runs: 0, signal: undefined };
    expect(await app.send('POST', '/slow')).toMatchObject({ status: 503, body: { code: 'TXN_TIMEOUT' } });
    expect(course.outcomes).toEqual(['rolled-back']);
    expect(await app.locks.tryAcquire('order')).toBeNull();
    course.end.reach();
    await (await app.locks.acquire('order')).release();
    expect(await app.cache.has('order')).toBe(false);
  });
});
