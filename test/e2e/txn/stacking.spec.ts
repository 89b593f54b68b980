import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  applyDecorators,
  Controller,
  type ExecutionContext,
  Inject,
  Injectable,
  Param,
  Post,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import {
  CacheTxn,
  CurrentLock,
  CurrentTxn,
  type Lock,
  Locked,
  LockService,
  type Transaction,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => {
  events.length = 0;
  return scene.closeApps();
});
afterAll(() => scene.stop());

/** What happened around the method, in order. */
const events: string[] = [];

const locked = () => Locked('seat:{params.id}');
const transactional = () => CacheTxn();
const versioned = () => Versioned({ attempts: 4, backoff: { initial: 0 } });

/** Every order in which the three can be stacked. */
const ORDERS = [
  { order: 'Locked, CacheTxn, Versioned', decorators: [locked, transactional, versioned] },
  { order: 'Locked, Versioned, CacheTxn', decorators: [locked, versioned, transactional] },
  { order: 'CacheTxn, Locked, Versioned', decorators: [transactional, locked, versioned] },
  { order: 'CacheTxn, Versioned, Locked', decorators: [transactional, versioned, locked] },
  { order: 'Versioned, Locked, CacheTxn', decorators: [versioned, locked, transactional] },
  { order: 'Versioned, CacheTxn, Locked', decorators: [versioned, transactional, locked] },
];

const guard = {
  canActivate: (context: ExecutionContext) => events.push(`guard of ${context.getHandler().name}`) > 0,
};
const pipe = { transform: (value: unknown) => (events.push('pipe'), value) };

/** The work of every controller and provider below: overtaken once by somebody who ignores the lock. */
@Injectable()
class Seats {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(LockService) private readonly locks: LockService,
  ) {}

  async sell(id: string, txn: Transaction, fence: number | undefined, overtake: () => Promise<void>): Promise<string> {
    const holder = await this.locks.inspect(`seat:${id}`);
    events.push(
      `method, attempt ${txn.attempt}, lock ${holder?.fence === (fence ?? holder?.fence) ? 'held' : 'not held'}`,
    );
    const sold = (await this.cache.get<number>(`sold:${id}`)) ?? 0;
    if (txn.attempt === 1) await overtake();
    await this.cache.set(`sold:${id}`, sold + 1);
    txn.beforeCommit(() => void events.push('before the commit'));
    txn.afterCommit(async () => {
      const free = (await this.locks.inspect(`seat:${id}`)) === null;
      events.push(`committed under the ${free ? 'free' : 'held'} lock`);
    });
    txn.afterRollback(() => void events.push('rolled back'));
    return `sold ${sold + 1}`;
  }
}

/** A method stacked in one order, on a controller. */
function controllerOf(decorators: readonly (() => MethodDecorator)[], theirs: () => TxnApp) {
  @Controller('seats')
  class SeatsController {
    constructor(@Inject(Seats) private readonly seats: Seats) {}

    @Post(':id')
    @UseGuards(guard)
    @UsePipes(pipe)
    @applyDecorators(...decorators.map((decorator) => decorator()))
    sell(@Param('id') id: string, @CurrentTxn() txn: Transaction, @CurrentLock() lock: Lock) {
      return this.seats.sell(id, txn, lock.fence, () => theirs().cache.set(`sold:${id}`, 10));
    }
  }
  return SeatsController;
}

const EXPECTED = [
  'guard of sell',
  ...['pipe', 'method, attempt 1, lock held', 'before the commit', 'rolled back'],
  ...['pipe', 'method, attempt 2, lock held', 'before the commit', 'committed under the held lock'],
];

describe.each(ORDERS)('@$order', ({ decorators }) => {
  it('G33: on a route run as lock, retry, transaction, method; a retry runs pipes and method again, no guard', async () => {
    const namespace = `stacked-${decorators.map(({ name }) => name).join('-')}`;
    const theirs = await scene.app({ module: { namespace } });
    const { send, cache, locks } = await scene.app({
      controllers: [controllerOf(decorators, () => theirs)],
      providers: [Seats],
      module: { namespace },
    });
    const answer = await send('POST', '/seats/7');
    expect([answer.status, answer.text]).toEqual([201, 'sold 11']);
    // Three parameters of the route, so three pipes for each attempt.
    expect(events.filter((event, i) => event !== 'pipe' || events[i - 1] !== 'pipe')).toEqual(EXPECTED);
    expect([await cache.get('sold:7'), await locks.inspect('seat:7')]).toEqual([11, null]);
  });

  it('G33: on a provider behave the same', async () => {
    @Injectable()
    class Box {
      constructor(@Inject(Seats) private readonly seats: Seats) {}

      @applyDecorators(...decorators.map((decorator) => (decorator === locked ? Locked('seat:{args.0}') : decorator())))
      async sell(id: string): Promise<string> {
        const txn = app.coordinator.current();
        if (txn === undefined) throw new Error('there is no transaction');
        return this.seats.sell(id, txn, undefined, () => theirs.cache.set(`sold:${id}`, 10));
      }
    }
    const namespace = `provided-${decorators.map(({ name }) => name).join('-')}`;
    const theirs = await scene.app({ module: { namespace } });
    const app = await scene.app({ providers: [Box, Seats], module: { namespace } });
    expect(await app.app.get(Box).sell('7')).toBe('sold 11');
    expect(events).toEqual(EXPECTED.filter((event) => event !== 'pipe' && !event.startsWith('guard')));
    expect(await app.cache.get('sold:7')).toBe(11);
  });
});

describe('the lock around a retry', () => {
  it('G33: is taken once, however often the method runs', async () => {
    const namespace = 'fences';
    const fences: number[] = [];
    const theirs = await scene.app({ module: { namespace } });
    @Controller('seats')
    class SeatsController {
      constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

      @Post(':id')
      @Versioned({ attempts: 4, backoff: { initial: 0 } })
      @Locked('seat:{params.id}')
      @CacheTxn()
      async sell(@CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
        fences.push(lock.fence);
        await this.cache.get('sold');
        if (txn.attempt < 4) await theirs.cache.set('sold', txn.attempt);
      }
    }
    const { send } = await scene.app({ controllers: [SeatsController], module: { namespace } });
    expect((await send('POST', '/seats/7')).status).toBe(201);
    expect([fences.length, new Set(fences).size]).toEqual([4, 1]);
  });
});
