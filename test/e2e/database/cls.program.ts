/**
 * A program for Node's own test runner: nestjs-cls is CommonJS and loads Nest with `require`, which Jest cannot do on Node 20.
 * Run by cls.spec.ts.
 */
// Suites and tests of `node:test` are promises that nobody has to wait for.
/* eslint-disable @typescript-eslint/no-floating-promises */
import {
  ClsPluginTransactional,
  Propagation,
  Transactional,
  type TransactionalAdapter,
  TransactionHost,
} from '@nestjs-cls/transactional';
import { Body, Controller, Get, Inject, Injectable, Param, Post, Put } from '@nestjs/common';
import {
  CacheTxn,
  CurrentTxn,
  Locked,
  redisStore,
  type Transaction,
  TransactionalCache,
  TransactionCoordinator,
  Versioned,
} from 'nestjs-cache-txn';
import { withCacheTxn } from 'nestjs-cache-txn/cls';
import { type PostgresMarkers, postgresMarkers } from 'nestjs-cache-txn/pg';
import { expect } from 'expect';
import { ClsModule } from 'nestjs-cls';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { storeOptions } from '../../support/servers/redis-access.js';
import type { TxnApp } from '../../support/txn-scene.js';
import { type Mapper, MAPPERS, withHooks } from './cls-adapters.js';
import { DatabaseScene, newSeat } from './database-scene.js';

type Host = TransactionHost<TransactionalAdapter<unknown, unknown, unknown>>;

let scene: DatabaseScene;
/** Of the application under test: the decorators below run before it exists. */
let mapper: Mapper;

before(async () => {
  scene = await DatabaseScene.start();
});
after(() => scene.stop());

/** A step of a test that runs inside of a decorated method. */
type Step = () => unknown;

@Injectable()
class Seats {
  constructor(
    @Inject(TransactionHost) readonly host: Host,
    @Inject(TransactionalCache) readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) readonly coordinator: TransactionCoordinator,
  ) {}

  async write(seat: string, buyer = 'ada'): Promise<void> {
    await mapper.insert(this.host, seat, buyer);
    await this.cache.set(seat, buyer);
  }

  @Transactional()
  async alone(seat: string, end: Step = () => undefined) {
    await this.write(seat);
    await end();
    return 'sold';
  }

  @CacheTxn()
  async cacheOutside(seat: string, end?: Step) {
    await this.cache.set(`${seat} noted`, true);
    return this.alone(seat, end);
  }

  @Transactional()
  async databaseOutside(seat: string, end?: Step) {
    return this.cacheInside(seat, end);
  }

  @CacheTxn()
  async cacheInside(seat: string, end: Step = () => undefined) {
    await this.write(seat);
    await end();
    return 'sold';
  }

  @CacheTxn()
  @Transactional()
  async cacheFirst(seat: string, end: Step = () => undefined) {
    await this.write(seat);
    await end();
    return 'sold';
  }

  @Transactional()
  @CacheTxn()
  async databaseFirst(seat: string, end: Step = () => undefined) {
    await this.write(seat);
    await end();
    return 'sold';
  }

  @Transactional(Propagation.Nested)
  async nested(seat: string, end: Step = () => undefined) {
    await this.write(seat, 'nested');
    await end();
  }

  @Transactional(Propagation.RequiresNew)
  async requiresNew(seat: string) {
    await this.write(seat, 'new');
  }
}

@Controller('seats')
class SeatsController {
  constructor(
    @Inject(TransactionalCache) readonly cache: TransactionalCache,
    @Inject(Seats) readonly seats: Seats,
  ) {}

  @Post(':id')
  @CacheTxn()
  @Transactional()
  async cacheFirst(@Param('id') id: string, @Body() { fails }: { fails?: boolean }) {
    await this.seats.write(id);
    if (fails) throw new Error('no');
    return { sold: id };
  }

  @Post(':id/database-first')
  @Transactional()
  @CacheTxn()
  async databaseFirst(@Param('id') id: string, @Body() { fails }: { fails?: boolean }, @CurrentTxn() txn: Transaction) {
    await this.seats.write(id);
    if (fails) throw new Error('no');
    return { sold: id, txn: txn.id !== '' };
  }

  @Get(':id')
  @Versioned({ resource: '{params.id}' })
  async show(@Param('id') id: string) {
    return { buyer: (await this.cache.get(id)) ?? null };
  }

  @Put(':id')
  @Locked('{params.id}')
  @CacheTxn()
  @Versioned({ resource: '{params.id}', requireIfMatch: true })
  @Transactional()
  async sell(@Param('id') id: string, @Body() { row, buyer }: { row: string; buyer: string }) {
    await mapper.insert(this.seats.host, row, buyer);
    await this.cache.set(id, buyer);
    return { buyer };
  }
}

interface ClsApp extends TxnApp {
  readonly seats: Seats;
  readonly markers: PostgresMarkers;
  readonly heard: readonly string[];
}

async function start(run?: (tx: unknown, sql: string) => Promise<unknown>, adapter = mapper.adapter): Promise<ClsApp> {
  const markers = postgresMarkers(scene.sql, { createTable: true });
  const heard: string[] = [];
  const wrapped = withCacheTxn(withHooks(adapter, heard), { marker: markers, ...(run && { run }) });
  const plugin = new ClsPluginTransactional({ imports: [mapper.connections], adapter: wrapped });
  const app = await scene.scene.app({
    imports: [ClsModule.forRoot({ global: true, middleware: { mount: true }, plugins: [plugin] }) as never],
    providers: [Seats],
    controllers: [SeatsController],
    module: {
      store: redisStore(storeOptions(scene.scene.server)),
      namespace: scene.namespace(),
      txn: { database: markers, recovery: false },
    },
  });
  return { ...app, seats: app.app.get(Seats), markers, heard };
}

const fail = (): never => {
  throw new Error('no');
};

async function stateOf({ cache }: TxnApp, seat: string): Promise<readonly [unknown, string | undefined]> {
  return [await cache.get(seat), await scene.buyerOf(seat)];
}

const STACKS = ['alone', 'cacheOutside', 'databaseOutside', 'cacheFirst', 'databaseFirst'] as const;

const NOTHING = [undefined, undefined];
const ALL = ['ada', 'ada'];

for (const name of ['drizzle', 'typeorm', 'knex'] as const)
  describe(`withCacheTxn around the adapter of ${name}`, () => {
    let app: ClsApp;

    before(async () => {
      mapper = await MAPPERS[name](scene.sql, scene.postgres.url);
      app = await start();
    });
    after(async () => {
      await scene.scene.closeApps();
      await mapper.close();
      expect(app.heard.slice(2)).toEqual(['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']);
    });

    for (const method of STACKS)
      it(`G2: ${method}: row and entry become visible together, or neither does`, async () => {
        const [good, bad] = [newSeat(), newSeat()];
        expect(await app.seats[method](good)).toBe('sold');
        expect(await stateOf(app, good)).toEqual(ALL);
        await expect(app.seats[method](bad, fail)).rejects.toThrow('no');
        expect(await stateOf(app, bad)).toEqual(NOTHING);
        const { rows } = await scene.sql.query("SELECT 1 FROM cache_txn_marker WHERE keys LIKE '%' || $1 || '\"%'", [
          good,
        ]);
        expect(rows).toHaveLength(1);
      });

    for (const method of STACKS)
      it(`G3: ${method}: a conflict in the cache rolls the row back`, async () => {
        const seat = newSeat();
        const conflicting = app.seats[method](seat, async () => {
          await app.cache.get('contended');
          await app.coordinator.run({ propagation: 'not_supported' }, () => app.cache.set('contended', seat));
        });
        await expect(conflicting).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
        expect(await stateOf(app, seat)).toEqual(NOTHING);
      });

    it('G44: nested: a part that fails is undone in both, and what is around it is committed', async () => {
      const [outer, undone, kept] = [newSeat(), newSeat(), newSeat()];
      await app.seats.alone(outer, async () => {
        await expect(app.seats.nested(undone, fail)).rejects.toThrow('no');
        expect(await app.cache.get(undone)).toBeUndefined();
        await app.seats.nested(kept);
        expect(await app.cache.get(kept)).toBe('nested');
      });
      expect(await stateOf(app, outer)).toEqual(ALL);
      expect(await stateOf(app, undone)).toEqual(NOTHING);
      expect(await stateOf(app, kept)).toEqual(['nested', 'nested']);
    });

    it('G44: nested: a part that is marked rollback-only is undone in both, as one that fails', async () => {
      const [outer, undone] = [newSeat(), newSeat()];
      await app.seats.alone(outer, async () => {
        const part = app.seats.nested(undone, () => app.coordinator.current()?.setRollbackOnly());
        await expect(part).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
      });
      expect([await stateOf(app, outer), await stateOf(app, undone)]).toEqual([ALL, NOTHING]);
    });

    it('G44: nested: a part of the cache alone is refused, whose rows would stay', async () => {
      const [outer, part] = [newSeat(), newSeat()];
      await app.seats.alone(outer, async () => {
        const refused = app.coordinator.run({ propagation: 'nested' }, () => app.seats.write(part));
        await expect(refused).rejects.toMatchObject({ code: 'TXN_STATE' });
      });
      expect([await stateOf(app, outer), await stateOf(app, part)]).toEqual([ALL, NOTHING]);
    });

    it('requires new: commits by itself, also inside of a nested part that is undone', async () => {
      const [outer, part, inner] = [newSeat(), newSeat(), newSeat()];
      const failing = app.seats.alone(outer, () =>
        app.seats.nested(part, async () => {
          await app.seats.requiresNew(inner);
          fail();
        }),
      );
      await expect(failing).rejects.toThrow('no');
      expect([await stateOf(app, outer), await stateOf(app, part)]).toEqual([NOTHING, NOTHING]);
      expect(await stateOf(app, inner)).toEqual(['new', 'new']);
    });

    it('hooks find the transaction before the commit, and not after it', async () => {
      const [seat, before] = [newSeat(), newSeat()];
      const { host } = app.seats;
      const active: boolean[] = [];
      await app.seats.alone(seat, () => {
        const txn = app.coordinator.current()!;
        txn.beforeCommit(async () => {
          active.push(host.isTransactionActive());
          await mapper.insert(host, before, 'ada');
        });
        txn.afterCommit(async () => {
          active.push(host.isTransactionActive());
          await mapper.insert(host, `${before} after`, 'ada');
        });
      });
      expect(active).toEqual([true, false]);
      expect([await scene.buyerOf(before), await scene.buyerOf(`${before} after`)]).toEqual(['ada', 'ada']);
    });

    it('G44: a second one after the first is refused, and what the first has committed stays', async () => {
      const [one, two] = [newSeat(), newSeat()];
      const both = app.seats.coordinator.run(async () => {
        await app.seats.alone(one);
        await app.seats.alone(two);
      });
      await expect(both).rejects.toMatchObject({ code: 'TXN_STATE' });
      expect([await stateOf(app, one), await stateOf(app, two)]).toEqual([ALL, NOTHING]);
    });

    it('G44: over HTTP, on one method in either order', async () => {
      for (const suffix of ['', '/database-first']) {
        const [good, bad] = [newSeat(), newSeat()];
        expect((await app.send('POST', `/seats/${good}${suffix}`, { body: {} })).status).toBe(201);
        expect(await stateOf(app, good)).toEqual(ALL);
        expect((await app.send('POST', `/seats/${bad}${suffix}`, { body: { fails: true } })).status).toBe(500);
        expect(await stateOf(app, bad)).toEqual(NOTHING);
      }
    });

    it('G32: over HTTP, an If-Match that does not hold leaves the rows as they are', async () => {
      const seat = newSeat().replace(':', '-');
      await app.cache.set(seat, 'ada');
      const tag = String((await app.send('GET', `/seats/${seat}`)).headers['etag']);
      const put = (row: string, ifMatch: string) =>
        app.send('PUT', `/seats/${seat}`, { headers: { 'if-match': ifMatch }, body: { row, buyer: row } });
      const [first, second] = [newSeat(), newSeat()];
      const answers = [await put(first, tag), await put(second, tag)];
      expect(answers.map(({ status }) => status)).toEqual([200, 412]);
      expect(answers[0]!.headers['etag']).not.toBe(tag);
      expect(await app.cache.get(seat)).toBe(first);
      expect([await scene.buyerOf(first), await scene.buyerOf(second)]).toEqual([first, undefined]);
      expect((await app.send('PUT', `/seats/${seat}`, { body: { row: second, buyer: 'x' } })).status).toBe(428);
    });

    it('a read outside of transactions is as without the library', async () => {
      const seat = newSeat();
      await mapper.insert(app.seats.host, seat, 'ada');
      expect(await scene.buyerOf(seat)).toBe('ada');
      expect(app.heard.slice(0, 2)).toEqual(['onModuleInit', 'onApplicationBootstrap']);
    });
  });

describe('an adapter whose SQL nobody knows', () => {
  /** Its transactions are of a kind that hides its methods. */
  const strange = (): TransactionalAdapter<unknown, unknown, unknown> => ({
    connection: scene.sql,
    optionsFactory: () => ({
      wrapWithTransaction: async (_options, fn: () => Promise<unknown>, setTx) => {
        const client = await scene.sql.connect();
        try {
          await client.query('BEGIN');
          setTx({ statement: (sql: string) => client.query(sql) });
          const result = await fn();
          await client.query('COMMIT');
          return result;
        } catch (error) {
          await client.query('ROLLBACK');
          throw error;
        } finally {
          client.release();
        }
      },
      getFallbackInstance: () => ({ statement: (sql: string) => scene.sql.query(sql) }),
    }),
  });

  interface Strange {
    statement(sql: string): Promise<unknown>;
  }

  beforeEach(async () => {
    mapper = {
      ...(await MAPPERS.drizzle(scene.sql)),
      insert: (host, seat, buyer) => (host.tx as Strange).statement(`INSERT INTO seats VALUES ('${seat}', '${buyer}')`),
    };
  });
  afterEach(() => scene.scene.closeApps());

  it('is refused with what to do, and nothing is visible', async () => {
    const app = await start(undefined, strange());
    const seat = newSeat();
    await expect(app.seats.alone(seat)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/give it `run: \(tx, sql\)/),
    });
    expect(await stateOf(app, seat)).toEqual(NOTHING);
  });

  it('works with `run`', async () => {
    const app = await start((tx, sql) => (tx as Strange).statement(sql), strange());
    const seat = newSeat();
    await app.seats.alone(seat);
    expect(await stateOf(app, seat)).toEqual(ALL);
  });

  it('without nested transactions gets a transaction of its own, as without the library', async () => {
    const app = await start((tx, sql) => (tx as Strange).statement(sql), strange());
    const [outer, inner] = [newSeat(), newSeat()];
    await expect(app.seats.alone(outer, () => app.seats.nested(inner).then(fail))).rejects.toThrow('no');
    expect([await stateOf(app, outer), await stateOf(app, inner)]).toEqual([NOTHING, ['nested', 'nested']]);
  });
});
