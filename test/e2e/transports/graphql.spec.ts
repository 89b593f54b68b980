import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type DynamicModule, Inject, type Type } from '@nestjs/common';
import {
  Args,
  Field,
  GraphQLModule,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { GraphQLError } from 'graphql';
import {
  CacheTxn,
  type CacheTxnErrorCode,
  CurrentLock,
  CurrentTxn,
  FenceToken,
  type Lock,
  Locked,
  type Transaction,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';
import type { IncomingMessage } from 'node:http';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, type Answer, TxnScene, type TxnApp } from '../../support/txn-scene.js';
import { Door } from '../lock/lock-app.js';
import { CODES, expectedAnswer, look, makeError, Sale, SECRET, seen } from './sale.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterAll(() => scene.stop());

@ObjectType()
class Seat {
  @Field(() => String)
  declare id: string;

  @Field(() => [String])
  declare names: readonly string[];
}

@Resolver(() => Seat)
class Seats {
  constructor(
    @Inject(Sale) private readonly sale: Sale,
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
  ) {}

  @Mutation(() => Seat)
  @Locked('seat:{data.id}', { wait: 0 })
  @CacheTxn()
  async buy(
    @Args('id', { type: () => String }) id: string,
    @Args('fails', { type: () => Boolean, nullable: true }) fails: boolean | undefined,
    @CurrentLock() lock: Lock,
    @CurrentTxn() txn: Transaction,
  ) {
    const error = new GraphQLError('sold out', { extensions: { code: 'SOLD_OUT' } });
    const { seat, names } = await this.sale.buy(id, { lock, txn, fails: fails === true ? error : undefined });
    return { id: seat, names };
  }

  @Query(() => Seat)
  @Locked('seat:{args.1.id}')
  seat(@Args('id', { type: () => String }) id: string, @CurrentLock() lock: Lock, @FenceToken() fence: number) {
    return { id: lock.fence === fence ? id : 'another', names: lock.names };
  }

  @Query(() => String)
  @Locked(look)
  looked(@Args('id', { type: () => String }) id: string) {
    return id;
  }

  @Query(() => String)
  @Locked('tenant:{headers.x-tenant}')
  tenant(@CurrentLock() lock: Lock) {
    return lock.names.join();
  }

  @Mutation(() => Int)
  @Versioned({ resource: 'event:{params.id}', requireIfMatch: true, backoff: { initial: 0 } })
  @CacheTxn()
  async count() {
    return (await this.sale.count()).n;
  }

  @Query(() => String)
  fail(@Args('code', { type: () => String }) code: CacheTxnErrorCode): string {
    throw makeError(code);
  }

  @Mutation(() => String)
  @Locked('seat:endless')
  @CacheTxn()
  endless(@CurrentTxn() txn: Transaction) {
    return this.sale.endless(txn.signal);
  }

  /** Runs after the resolver of its parent, and past interceptors. */
  @ResolveField(() => String, { nullable: true })
  async state(@Parent() seat: Seat) {
    return (await this.cache.get<string>(`seat:${seat.id}`)) ?? null;
  }
}

@ObjectType()
class Shelf {
  @Field(() => String)
  declare lock: string;
}

/** Decorated as a whole. */
@Resolver(() => Shelf)
@Locked('stock:{data.id}', { wait: 0 })
class Shelves {
  constructor(@Inject(Sale) private readonly sale: Sale) {}

  @Query(() => Shelf)
  shelf(@Args('id', { type: () => String }) id: string, @CurrentLock() lock: Lock) {
    return { lock: `${id} under ${lock.names.join()}` };
  }

  @ResolveField(() => Int)
  runs() {
    return (this.sale.runs += 1);
  }
}

function graphql(options: ApolloDriverConfig = {}): DynamicModule {
  return GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    graphiql: false,
    ...options,
  });
}

interface GraphqlApp extends TxnApp {
  readonly sale: Sale;
  run(query: string, options?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<Answer>;
}

async function start(
  adapter: (typeof ADAPTERS)[number] = 'express',
  { options = {}, resolvers = [Seats, Shelves] }: { options?: ApolloDriverConfig; resolvers?: Type[] } = {},
): Promise<GraphqlApp> {
  const app = await scene.app({ imports: [graphql(options)], providers: [Sale, ...resolvers], adapter });
  return {
    ...app,
    sale: app.app.get(Sale),
    run: (query, request) => app.send('POST', '/graphql', { body: { query }, ...request }),
  };
}

describe.each(ADAPTERS)('a resolver on %s', (adapter) => {
  let app: GraphqlApp;
  beforeAll(async () => {
    app = await start(adapter);
  });
  beforeEach(() => {
    seen.length = 0;
    app.sale.runs = 0;
    app.sale.door = undefined;
  });
  afterAll(() => scene.closeApps());

  it('G14: of a mutation commits under the lock that its arguments name, before the fields of its answer are read', async () => {
    const answer = await app.run('mutation { buy(id: "a:1") { id names state } }');
    expect(answer.body).toEqual({ data: { buy: { id: 'a:1', names: ['seat:a%3A1'], state: 'sold' } } });
    expect(app.sale.runs).toBe(1);
  });

  it('of a query has its lock and the fence as parameters', async () => {
    const answer = await app.run('{ seat(id: "x") { id names state } }');
    expect(answer.body).toEqual({ data: { seat: { id: 'x', names: ['seat:x'], state: null } } });
  });

  it('knows the arguments and the request, and nothing of HTTP answers', async () => {
    const answer = await app.run('{ looked(id: "7") tenant }', { headers: { 'x-tenant': 'acme' } });
    expect(answer.body).toEqual({ data: { looked: '7', tenant: 'tenant:acme' } });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ transport: 'graphql', methodName: 'looked', data: { id: '7' } });
    expect(seen[0]?.request).toHaveProperty(['headers', 'x-tenant'], 'acme');
    expect(seen[0]?.http).toBeUndefined();
  });

  it('G1: finds the lock taken: an error with its code, beside the data of other fields', async () => {
    const door = (app.sale.door = new Door());
    const first = app.run('mutation { buy(id: "7") { id } }');
    await door.reached();
    const { status, body } = await app.run('mutation { buy(id: "7") { id } }');
    expect(status).toBe(200);
    expect(body.data).toBeNull();
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({
      message: expect.stringContaining('seat:7'),
      path: ['buy'],
      extensions: { code: 'LOCK_TIMEOUT', retryable: true, retryAfterMs: expect.any(Number) },
    });
    door.open();
    expect((await first).body).toEqual({ data: { buy: { id: '7' } } });
  });

  it('G37: without a usable argument is refused before it runs', async () => {
    const { body } = await app.run('mutation { buy(id: "") { id } }');
    expect(body.errors[0]).toMatchObject({
      message: expect.stringContaining('{data.id}'),
      extensions: { code: 'KEY_TEMPLATE', retryable: false },
    });
    expect(app.sale.runs).toBe(0);
  });

  it('G35: passes its own error on as it is, and nothing that it wrote is visible', async () => {
    const { body } = await app.run('mutation { buy(id: "failed", fails: true) { id } }');
    expect(body.errors[0]).toMatchObject({ message: 'sold out', extensions: { code: 'SOLD_OUT' } });
    expect(await app.cache.has('seat:failed')).toBe(false);
  });

  it('G30: runs again after a conflict; a resource of HTTP adds nothing', async () => {
    app.sale.letMeet(3);
    const answers = await Promise.all([1, 2, 3].map(() => app.run('mutation { count }')));
    expect(answers.map(({ body }) => body.data.count as number).sort()).toEqual([1, 2, 3]);
    expect(app.sale.runs).toBeGreaterThanOrEqual(4);
    expect(answers.map(({ headers }) => headers['etag']).filter((tag) => tag === '"3"')).toEqual([]);
  });

  it('G42: answers every error of the library with its code, and never with its details or cause', async () => {
    for (const code of CODES) {
      const { body, text } = await app.run(`{ fail(code: "${code}") }`);
      const { message, ...extensions } = expectedAnswer(code) as { message: string };
      expect(body.errors[0]).toMatchObject({ message, path: ['fail'], extensions });
      expect(text).not.toContain(SECRET);
    }
    expect(app.log.join()).not.toContain(SECRET);
  });

  it('G36: whose client leaves has its signal aborted; the transaction rolls back and the lock is released', async () => {
    const leaving = new AbortController();
    const answer = app.run('mutation { endless }', { signal: leaving.signal }).catch((error: unknown) => error);
    await eventually(() => app.sale.runs === 1, { what: 'the method' });
    leaving.abort();
    await app.sale.aborted.reached;
    await eventually(async () => (await app.locks.inspect('seat:endless')) === null, { what: 'the release' });
    expect(await app.cache.has('seat:endless')).toBe(false);
    expect(await answer).toMatchObject({ name: 'AbortError' });
  });

  it('of many fields of one request runs each as a call of its own, with one listener for all of them', async () => {
    const fields = Array.from({ length: 15 }, (_, i) => `s${i}: seat(id: "${i}") { names }`);
    const { body } = await app.run(`{ ${fields.join(' ')} looked(id: "7") }`);
    const { looked, ...seats } = body.data;
    expect(Object.values(seats)).toEqual(fields.map((_, i) => ({ names: [`seat:${i}`] })));
    expect(looked).toBe('7');
    // Node warns of a leak from the eleventh on.
    const { socket } = seen[0]?.request as unknown as IncomingMessage;
    expect(socket.listenerCount('close')).toBeLessThan(10);
  });
});

describe('a field resolver', () => {
  afterEach(() => scene.closeApps());

  it.each([[[]], [['interceptors' as const]]])(
    'is not covered by the decorators of its class, with fieldResolverEnhancers %j',
    async (fieldResolverEnhancers) => {
      const { run } = await start('express', { options: { fieldResolverEnhancers } });
      const { body } = await run('{ shelf(id: "a") { lock runs } other: shelf(id: "b") { lock runs } }');
      expect(body.errors).toBeUndefined();
      expect(body.data.shelf.lock).toBe('a under stock:a');
      expect([body.data.shelf.runs, body.data.other.runs].sort()).toEqual([1, 2]);
    },
  );

  it('G38: with a decorator of its own is refused at boot: Nest would call it past the lock', async () => {
    @Resolver(() => Seat)
    class Refused extends Seats {
      @ResolveField(() => String)
      @Locked('seat:{args.0.id}')
      owner() {
        return 'nobody';
      }
    }
    await expect(start('express', { resolvers: [Refused] })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('Refused.owner'),
    });
  });
});
