import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Post, type DynamicModule, type Type } from '@nestjs/common';
import {
  CacheTxn,
  CacheTxnModule,
  CurrentLock,
  CurrentTxn,
  FenceToken,
  getCacheTxnToken,
  InjectLockService,
  InjectTransactionAdmin,
  InjectTransactionalCache,
  InjectTransactionCoordinator,
  InjectVersionService,
  type Lock,
  Locked,
  LockService,
  memoryStore,
  redisStore,
  type Transaction,
  TransactionAdmin,
  TransactionalCache,
  TransactionCoordinator,
  Versioned,
  VersionService,
} from 'nestjs-cache-txn';
import { storeOptions } from '../../support/servers/redis-access.js';
import { TxnScene, type TxnApp } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

let applications = 0;

/** An application with a module without a name and one named `vault`, each with a namespace of its own. */
async function twoStores(controller: Type): Promise<TxnApp & { readonly vault: Vault }> {
  applications += 1;
  const namespace = `plain${applications}`;
  const store = () => redisStore(storeOptions(scene.server));
  @Module({
    imports: [
      CacheTxnModule.forRoot({ store: store(), namespace }),
      CacheTxnModule.forRoot({ name: 'vault', store: store(), namespace: `vault${applications}` }),
    ],
    controllers: [controller],
  })
  class AppModule {}
  const started = await scene.listen(AppModule, namespace);
  const vault = {
    namespace: `vault${applications}`,
    cache: started.app.get<TransactionalCache>(getCacheTxnToken(TransactionalCache, 'vault')),
    locks: started.app.get<LockService>(getCacheTxnToken(LockService, 'vault')),
  };
  return { ...started, vault };
}

interface Vault {
  readonly namespace: string;
  readonly cache: TransactionalCache;
  readonly locks: LockService;
}

@Controller('seats')
class Seats {
  constructor(
    @Inject(TransactionalCache) readonly cache: TransactionalCache,
    @InjectTransactionalCache('vault') readonly vault: TransactionalCache,
    @InjectTransactionCoordinator('vault') readonly vaultTransactions: TransactionCoordinator,
    @InjectLockService('vault') readonly vaultLocks: LockService,
    @InjectVersionService('vault') readonly vaultVersions: VersionService,
    @InjectTransactionAdmin('vault') readonly vaultAdmin: TransactionAdmin,
    @InjectTransactionalCache() readonly same: TransactionalCache,
  ) {}

  @Post('buy')
  @Locked('seat', { store: 'vault' })
  @CacheTxn()
  async buy(@CurrentLock('vault') lock: Lock, @FenceToken() fence: number, @CurrentTxn() txn: Transaction) {
    await this.cache.set('seat', 'sold');
    const held = await this.vaultLocks.inspect('seat');
    return { fits: held?.fence === fence && lock.fence === fence, inTransaction: txn.id !== 'none' };
  }

  @Post('lost')
  @Locked('seat', { store: 'vault', lease: 200 })
  @CacheTxn()
  async lost(@CurrentLock() lock: Lock) {
    await this.cache.set('seat', 'sold');
    await this.vaultLocks.forceRelease('seat');
    await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
  }

  @Post('vault')
  @Versioned({ store: 'vault' })
  @CacheTxn({ store: 'vault' })
  async intoVault(@CurrentTxn('vault') txn: Transaction) {
    await this.vault.set('gold', txn.attempt);
    await this.cache.set('note', 'at once');
    // Somebody else gets in between, once.
    const read = await this.vault.get<number>('silver');
    if (txn.attempt === 1) await fetch(`${process.env.NAMED_MODULES_URL}/seats/silver`, { method: 'POST' });
    await this.vault.set('copper', read ?? 0);
    return { attempt: txn.attempt };
  }

  @Post('silver')
  async silver() {
    await this.vault.set('silver', 7);
  }

  @Get('gold')
  @Versioned({ store: 'vault', resource: 'gold' })
  async gold() {
    // An entry of the same name elsewhere is not what was read for the ETag.
    const plain = (await this.cache.get('gold')) ?? null;
    return { gold: await this.vault.get('gold'), plain };
  }

  @Post('both')
  @CacheTxn()
  async both(@CurrentTxn() outer: Transaction) {
    await this.vaultTransactions.run(async (inner) => {
      expect(inner.id).not.toBe(outer.id);
      await this.cache.set('outer', 'of the transaction around');
      await this.vault.set('inner', 'of its own');
    });
    expect(await this.vault.get('inner')).toBe('of its own');
    outer.setRollbackOnly('to see what belonged to which');
  }

  @Post('update')
  @CacheTxn()
  async update() {
    let runs = 0;
    await this.vault.update<number>('silver', async (silver = 0) => {
      runs += 1;
      if (runs === 1) await fetch(`${process.env.NAMED_MODULES_URL}/seats/silver`, { method: 'POST' });
      return silver + 1;
    });
    return { runs };
  }

  @Get('services')
  async services() {
    const versions = this.vaultVersions instanceof VersionService;
    const admin = this.vaultAdmin instanceof TransactionAdmin;
    return { same: this.same === this.cache, versions, admin, inDoubt: await this.vaultAdmin.inDoubt() };
  }
}

async function reachable(app: TxnApp): Promise<void> {
  process.env.NAMED_MODULES_URL = await app.app.getUrl();
}

describe('a module with a name', () => {
  it('gives decorators its locks with `store`, beside the transactions of the module without a name', async () => {
    const app = await twoStores(Seats);
    expect(await app.send('POST', '/seats/buy')).toMatchObject({
      status: 201,
      body: { fits: true, inTransaction: true },
    });
    expect(await app.cache.get('seat')).toBe('sold');
    expect(await app.vault.cache.get('seat')).toBeUndefined();
    const busy = await app.vault.locks.acquire('seat', { lease: '1m' });
    const plain = await app.locks.tryAcquire('seat');
    expect(plain).not.toBeNull();
    await Promise.all([busy.release(), plain?.release()]);
  });

  it('has its services under the names of @Inject…; the classes themselves mean the module without a name', async () => {
    const app = await twoStores(Seats);
    expect((await app.send('GET', '/seats/services')).body).toEqual({
      same: true,
      versions: true,
      admin: true,
      inDoubt: [],
    });
    await app.app.get(TransactionalCache).set('where', 'plain');
    expect(await scene.redis.hget(`${app.namespace}:e:where`, 'v')).toBe('"plain"');
    expect(await scene.redis.exists(`${app.vault.namespace}:e:where`)).toBe(0);
  });

  it('commits, retries and versions in its own store', async () => {
    const app = await twoStores(Seats);
    await reachable(app);
    const answer = await app.send('POST', '/seats/vault');
    expect(answer).toMatchObject({ status: 201, body: { attempt: 2 } });
    expect(await app.vault.cache.getMany(['gold', 'copper'])).toEqual(
      new Map([
        ['gold', 2],
        ['copper', 7],
      ]),
    );
    expect(await app.cache.get('note')).toBe('at once');
    const { version } = (await app.vault.cache.getEntry('gold')) ?? {};
    const gold = await app.send('GET', '/seats/gold');
    expect(gold).toMatchObject({ status: 200, body: { gold: 2, plain: null }, headers: { etag: `"${version}"` } });
  });

  it('keeps its transactions apart from those of other modules in the same call', async () => {
    const app = await twoStores(Seats);
    expect((await app.send('POST', '/seats/both')).status).toBe(409);
    expect(await app.vault.cache.get('inner')).toBe('of its own');
    expect(await app.cache.get('outer')).toBeUndefined();
  });

  it('retries an update of its own inside a transaction of another module', async () => {
    const app = await twoStores(Seats);
    await reachable(app);
    expect((await app.send('POST', '/seats/update')).body).toEqual({ runs: 2 });
    expect(await app.vault.cache.get('silver')).toBe(8);
  });

  it('refuses a commit elsewhere once it is known that its lock was lost', async () => {
    const app = await twoStores(Seats);
    expect(await app.send('POST', '/seats/lost')).toMatchObject({ status: 503, body: { code: 'LOCK_LOST' } });
    expect(await app.cache.get('seat')).toBeUndefined();
  });

  it('may be the only one', async () => {
    @Injectable()
    class Alone {
      constructor(@InjectTransactionalCache('vault') readonly cache: TransactionalCache) {}
      @Locked('a', { store: 'vault' })
      @CacheTxn({ store: 'vault' })
      async write(succeeds: boolean) {
        await this.cache.set('a', succeeds);
        if (!succeeds) throw new Error('the method failed');
      }
    }
    @Module({ imports: [named('vault')], providers: [Alone] })
    class AppModule {}
    const { app } = await scene.boot(AppModule);
    const alone = app.get(Alone);
    await expect(alone.write(false)).rejects.toThrow('the method failed');
    expect(await alone.cache.get('a')).toBeUndefined();
    await alone.write(true);
    expect(await alone.cache.get('a')).toBe(true);
  });

  it.each<[string, Type, readonly DynamicModule[], RegExp]>([
    [
      'a store that no module has',
      decorated(Locked('a', { store: 'valut' })),
      [plain(), named('vault')],
      /'valut'.*'default', 'vault'/,
    ],
    ['no store where every module has a name', decorated(CacheTxn()), [named('vault')], /'default'.*there is 'vault'/],
    [
      'two stores for commit and retry',
      decorated(CacheTxn(), Versioned({ store: 'vault' })),
      [plain(), named('vault')],
      /the same `store`/,
    ],
    ['two modules of one name', decorated(), [named('vault'), named('vault')], /two CacheTxnModules are named 'vault'/],
    ['two modules without a name', decorated(), [plain(), plain()], /two CacheTxnModules are named 'default'/],
  ])('refuses %s at boot', async (_what, controller, imports, message) => {
    @Module({ imports: [...imports], controllers: [controller] })
    class AppModule {}
    const booting = scene.boot(AppModule);
    await expect(booting).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(booting).rejects.toThrow(message);
  });

  it.each(['', 'a b', 'é', 'x'.repeat(65)])('refuses the name %j', (name) => {
    expect(() => CacheTxnModule.forRoot({ name })).toThrow(/a module's name/);
  });
});

function plain(): DynamicModule {
  return CacheTxnModule.forRoot({ store: memoryStore() });
}

function named(name: string): DynamicModule {
  return CacheTxnModule.forRoot({ name, store: memoryStore() });
}

/** A controller with one method under these decorators. */
function decorated(...decorators: readonly MethodDecorator[]): Type {
  @Controller('decorated')
  class Decorated {
    @Get()
    find(): void {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Decorated.prototype, 'find');
  for (const decorator of decorators) if (descriptor) decorator(Decorated.prototype, 'find', descriptor);
  return Decorated;
}
