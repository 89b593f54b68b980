import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpException,
  ImATeapotException,
  Inject,
  Injectable,
  Param,
  Post,
  Res,
} from '@nestjs/common';
import { CacheTxn, CurrentTxn, type Transaction, TransactionalCache, TransactionCoordinator } from 'nestjs-cache-txn';
import { concat, delay, of, throwError } from 'rxjs';
import { eventually } from '../../support/eventually.js';
import { gate, unavailable } from '../../support/stores/scripted-store.js';
import { ADAPTERS, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

/** The error of a method, which knows nothing of the library. */
class OutOfStock extends HttpException {
  constructor(readonly seat: string) {
    super({ message: 'sold out', seat }, 410);
  }
}

@Injectable()
class Audit {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @CacheTxn({ propagation: 'requires_new' })
  async note(text: string): Promise<string> {
    await this.cache.set('audit', text);
    return text;
  }

  @CacheTxn({ propagation: 'mandatory' })
  async inside(fails = false): Promise<void> {
    await this.cache.set('inside', 1);
    if (fails) throw new Error('inner');
  }
}

@Controller('orders')
class Orders {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) private readonly coordinator: TransactionCoordinator,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  @Post('two')
  @CacheTxn()
  async two(@Body() { fails }: { fails?: 'http' | 'other' | 'audited' | 'caught' }) {
    await this.cache.set('a', 1);
    if (fails === 'audited' || fails === 'caught') await this.audit.note('tried');
    await this.cache.set('b', 1);
    if (fails === 'caught') await this.audit.inside(true).catch(() => undefined);
    else await this.audit.inside();
    if (fails === 'http') throw new OutOfStock('7a');
    if (fails === 'other' || fails === 'audited') throw new TypeError('a bug');
    return { done: true };
  }

  @Post('promise')
  @HttpCode(202)
  @CacheTxn()
  async promise() {
    await this.cache.set('a', 'promise');
    return 'promise';
  }

  @Post('observable')
  @CacheTxn()
  observable() {
    return concat(of('first'), of('last').pipe(delay(1)));
  }

  @Post('failing-observable')
  @CacheTxn()
  async failingObservable() {
    await this.cache.set('a', 1);
    return throwError(() => new ImATeapotException());
  }

  @Post('value')
  @CacheTxn()
  value(@CurrentTxn() txn: Transaction) {
    const same = this.coordinator.current() === txn;
    return { attempt: txn.attempt, same };
  }

  @Post('passthrough')
  @CacheTxn()
  async passthrough(@Res({ passthrough: true }) response: { status(code: number): unknown }) {
    response.status(203);
    await this.cache.set('a', 1);
    return 'passed';
  }

  @Get('plain')
  plain(@CurrentTxn() txn: Transaction) {
    return { id: txn.id };
  }

  @Post('read-only/:key')
  @CacheTxn({ readOnly: true })
  async readOnly(@Param('key') key: string) {
    if (key === 'write') await this.cache.set('a', 1);
    return { value: (await this.cache.get(key)) ?? null };
  }

  @Post('rollback-only')
  @CacheTxn()
  async rollbackOnly(@CurrentTxn() txn: Transaction) {
    await this.cache.set('a', 1);
    txn.setRollbackOnly('sold out');
  }
}

const parts = { controllers: [Orders], providers: [Audit] };

describe.each(ADAPTERS)('@CacheTxn on a route of %s', (adapter) => {
  const start = () => scene.app({ ...parts, adapter });

  it('G14: makes the writes of the call visible together', async () => {
    const { send, cache } = await start();
    expect(await send('POST', '/orders/two', { body: {} })).toMatchObject({ status: 201, body: { done: true } });
    expect((await cache.getMany(['a', 'b', 'inside'])).size).toBe(3);
  });

  it.each(['http', 'other'] as const)(
    'G35: makes none of them visible when the method throws (%s), and leaves its error alone',
    async (fails) => {
      const { send, cache } = await start();
      const answer = await send('POST', '/orders/two', { body: { fails } });
      if (fails === 'http') expect([answer.status, answer.body]).toEqual([410, { message: 'sold out', seat: '7a' }]);
      else expect([answer.status, answer.body]).toMatchObject([500, { message: 'Internal server error' }]);
      expect((await cache.getMany(['a', 'b', 'inside'])).size).toBe(0);
    },
  );

  it('G35: takes a failing observable for a failing method', async () => {
    const { send, cache } = await start();
    expect((await send('POST', '/orders/failing-observable')).status).toBe(418);
    expect(await cache.has('a')).toBe(false);
  });

  it('answers what the method gives: a promise with its status, the last value of an observable, a value', async () => {
    const { send, cache } = await start();
    expect(await send('POST', '/orders/promise')).toMatchObject({ status: 202, text: 'promise' });
    expect(await send('POST', '/orders/observable')).toMatchObject({ status: 201, text: 'last' });
    expect(await send('POST', '/orders/value')).toMatchObject({ status: 201, body: { attempt: 1, same: true } });
    expect(await send('POST', '/orders/passthrough')).toMatchObject({ status: 203, text: 'passed' });
    expect(await cache.get('a')).toBe(1);
  });
});

describe.each(ADAPTERS)('a decorated call on %s', (adapter) => {
  it('G22: has parts with propagations of their own: one apart stays, one inside rolls back', async () => {
    const { send, cache } = await scene.app({ ...parts, adapter });
    expect((await send('POST', '/orders/two', { body: { fails: 'audited' } })).status).toBe(500);
    expect([...(await cache.getMany(['a', 'b', 'inside', 'audit'])).keys()]).toEqual(['audit']);
  });

  it('G22: is rolled back when an inner part failed, although the method caught it', async () => {
    const { send, cache } = await scene.app({ ...parts, adapter });
    const answer = await send('POST', '/orders/two', { body: { fails: 'caught' } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'TXN_ROLLED_BACK' } });
    expect([...(await cache.getMany(['a', 'b', 'inside', 'audit'])).keys()]).toEqual(['audit']);
  });

  it('G22: that marks itself answers 409 and commits nothing', async () => {
    const { send, cache } = await scene.app({ ...parts, adapter });
    expect(await send('POST', '/orders/rollback-only')).toMatchObject({
      status: 409,
      body: { code: 'TXN_ROLLED_BACK' },
    });
    expect(await cache.has('a')).toBe(false);
  });

  it('reads only where it is read-only', async () => {
    const { send, cache } = await scene.app({ ...parts, adapter });
    await cache.set('x', 7);
    expect((await send('POST', '/orders/read-only/x')).body).toEqual({ value: 7 });
    expect(await send('POST', '/orders/read-only/write')).toMatchObject({ status: 500, body: { code: 'TXN_STATE' } });
  });

  it('gives @CurrentTxn also where there is none', async () => {
    const { send } = await scene.app({ ...parts, adapter });
    expect((await send('GET', '/orders/plain')).body).toEqual({ id: 'none' });
  });

  it('on a provider may be called from anywhere, with its result', async () => {
    const { app, cache } = await scene.app({ ...parts, adapter });
    expect(await app.get(Audit).note('from outside')).toBe('from outside');
    expect(await cache.get('audit')).toBe('from outside');
    await expect(app.get(Audit).inside()).rejects.toMatchObject({ code: 'TXN_STATE' });
    expect(await cache.has('inside')).toBe(false);
  });
});

describe.each(ADAPTERS)('the answer of a call on %s', (adapter) => {
  it('G34: leaves after the commit: whoever has it can read what was written', async () => {
    const store = scene.scriptedStore();
    const { send, cache } = await scene.app({ ...parts, adapter, module: { store } });
    const slow = gate();
    store.next('commit', slow.lateRequest);
    let hasArrived = false;
    const answer = send('POST', '/orders/promise').finally(() => (hasArrived = true));
    await eventually(() => store.count('commit') === 1);
    // An answer that did not wait for the commit would be here before that of a later call.
    expect((await send('GET', '/orders/plain')).status).toBe(200);
    expect([hasArrived, await cache.has('a')]).toEqual([false, false]);
    slow.open();
    expect(await answer).toMatchObject({ status: 202, text: 'promise' });
    expect(await cache.get('a')).toBe('promise');
  });

  it('G34: is the failure of the commit, although the method succeeded', async () => {
    const store = scene.scriptedStore();
    const { send, cache } = await scene.app({ ...parts, adapter, module: { store } });
    store.next('commit', unavailable);
    expect(await send('POST', '/orders/promise')).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
    expect(await cache.has('a')).toBe(false);
  });
});
