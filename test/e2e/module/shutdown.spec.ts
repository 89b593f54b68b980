import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Post } from '@nestjs/common';
import { CacheTxn, CurrentTxn, Locked, type Transaction, TransactionalCache } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { milestone, type Milestone } from '../../support/txn-world.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

let started: Milestone;
let end: Milestone;
let reason: unknown;

@Injectable()
class Audit {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @CacheTxn({ propagation: 'requires_new' })
  note(): Promise<void> {
    return this.cache.set('audit', 1);
  }
}

@Controller('orders')
class Orders {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  @Post()
  @Locked('order')
  @CacheTxn({ timeout: '1m' })
  async pay(@CurrentTxn() txn: Transaction) {
    txn.signal.addEventListener('abort', () => {
      reason = txn.signal.reason;
    });
    started.reach();
    await end.reached;
    await this.audit.note();
    await this.cache.set('order', 'paid');
    return 'paid';
  }

  @Post('new')
  @CacheTxn()
  async other() {
    await this.cache.set('other', 1);
  }
}

/** An application with one call in the middle of its work. */
async function working(
  shutdownGrace: number,
): Promise<{ app: TxnApp; theirs: TxnApp; answer: ReturnType<TxnApp['send']> }> {
  [started, end, reason] = [milestone(), milestone(), undefined];
  const namespace = `closing-${Math.random().toString(36).slice(2)}`;
  const theirs = await scene.app({ module: { namespace } });
  const app = await scene.app({ controllers: [Orders], providers: [Audit], module: { namespace, shutdownGrace } });
  const answer = app.send('POST', '/orders');
  await started.reached;
  return { app, theirs, answer };
}

describe('an application that closes in the middle of a call', () => {
  it('G13: lets it finish with all its writes, refuses new ones, and leaves no lock behind', async () => {
    const { app, theirs, answer } = await working(5_000);
    const closing = app.app.close();
    await eventually(async () => (await app.send('POST', '/orders/new')).status === 503, {
      what: 'the refusal of new calls',
    });
    expect((await app.send('POST', '/orders/new')).body.code).toBe('SHUTTING_DOWN');
    end.reach();
    expect(await answer).toMatchObject({ status: 201, text: 'paid' });
    await closing;
    expect((await theirs.cache.getMany(['order', 'audit', 'other'])).size).toBe(2);
    expect(await theirs.locks.inspect('order')).toBeNull();
  });

  it('G13: aborts it after shutdownGrace; its lock is not free before its method has settled', async () => {
    const { app, theirs, answer } = await working(300);
    const began = performance.now();
    const closing = app.app.close();
    await eventually(() => reason !== undefined, { what: 'the abort' });
    expect(await theirs.locks.tryAcquire('order')).toBeNull();
    end.reach();
    expect(await answer).toMatchObject({ status: 503 });
    await closing;
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(reason).toMatchObject({ code: expect.stringMatching(/SHUTTING_DOWN|LOCK_LOST/) });
    expect((await theirs.cache.getMany(['order', 'audit'])).size).toBe(0);
    await (await theirs.locks.acquire('order')).release();
  });

  it('G13: disconnects in the end', async () => {
    const { app, answer } = await working(5_000);
    end.reach();
    await answer;
    await app.app.close();
    await expect(app.cache.get('order')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
