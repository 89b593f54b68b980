import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout } from 'node:timers/promises';
import { silentSink } from '../support/silent-sink.js';
import { MemoryBackend } from '../../src/memory/memory-backend.js';
import { memoryStore } from '../../src/memory/memory-store.js';
import { redisStore } from '../../src/redis/redis-store.js';
import type { CacheTxnStore } from '../../src/store/store.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { eventually } from '../support/eventually.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';
import { histories, needsPause, type History } from './random-history/history.js';
import { Side, type SideStores } from './random-history/side.js';

/** How long histories are tried. */
const RUN_MS = 7_000;
/** How often, until every answer has come up. */
const MOST_TRIES = 4;
/** Ends everything brief: 1 ms of lease, and what a server clock of whole milliseconds may add. */
const PAUSE_MS = 3;

describe('G39: the memory store and the Redis store', () => {
  const clock = new ManualClock();
  let server: RedisServer;
  let memory: SideStores;
  let redis: SideStores;
  let historyCount = 0;
  let stepCount = 0;
  const answers = new Set<string>();

  beforeAll(async () => {
    server = await startRedisServer();
    const backend = new MemoryBackend({ timeUs: clock.timeUs });
    memory = {
      stores: [await started(memoryStore({ backend }), 'first'), await started(memoryStore({ backend }), 'second')],
      pause: async () => clock.advance(PAUSE_MS),
    };
    redis = {
      stores: [
        await started(redisStore({ url: server.url }), 'first'),
        await started(redisStore({ url: server.url }), 'second'),
      ],
      pause: () => setTimeout(PAUSE_MS),
    };
  });

  afterAll(async () => {
    await Promise.all([...memory.stores, ...redis.stores].map((store) => store.stop()));
    await server.stop();
  });

  it(
    'answer the same to every step of random histories',
    async () => {
      const seed = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31);
      process.stdout.write(`random histories: HISTORY_SEED=${seed}\n`);
      // Equal histories prove nothing about answers that never came up.
      const expected = [
        ...['acquired', 'queued', 'busy', 'full', 'held', 'lost', 'released', 'true', 'false'],
        ...['committed', 'conflict', 'lock-lost', 'aborted', 'handed over'],
        ...[
          'hit',
          'leased',
          'busy',
          'intent',
          'filled',
          'refused',
          'prepared',
          'published',
          'void',
          'pending',
          'overdue',
        ],
      ];
      const isMissing = (): boolean => expected.some((answer) => !answers.has(answer));
      // A busy machine plays fewer of them in the time.
      for (let tries = 0; tries === 0 || (tries < MOST_TRIES && isMissing()); tries += 1) {
        await fc.assert(
          fc.asyncProperty(histories, (history) => compare(history)),
          { seed: seed + tries, numRuns: 100_000, interruptAfterTimeLimit: RUN_MS, markInterruptAsFailure: false },
        );
      }
      process.stdout.write(`random histories: ${historyCount} with ${stepCount} steps were equal\n`);

      expect([...answers]).toEqual(expect.arrayContaining(expected));
    },
    (MOST_TRIES + 2) * RUN_MS,
  );

  async function compare(history: History): Promise<void> {
    historyCount += 1;
    const tag = `history-${historyCount}`;
    const sides = [new Side(memory, tag, history.claim), new Side(redis, tag, history.claim)] as const;
    const both = async <T>(ask: (side: Side) => Promise<T>): Promise<readonly [T, T]> =>
      Promise.all([ask(sides[0]), ask(sides[1])]);

    for (const [index, step] of history.steps.entries()) {
      stepCount += 1;
      // No two steps share a millisecond of manual time, as no two share a microsecond of the server's.
      clock.advance(1);
      const [model, real] = await both((side) => side.answer(step));
      expect({ index, step, answer: real }).toEqual({ index, step, answer: model });
      note(model);
      if (needsPause(step, history)) await both((side) => side.pause());
      const [modelState, realState] = await both((side) => side.state());
      expect({ index, step, state: realState }).toEqual({ index, step, state: modelState });
    }

    const hints = sides[0].heardSoFar();
    await eventually(() => sides[1].heardSoFar() >= hints, { what: 'every hint is heard', everyMs: 1 });
    const [modelHints, realHints] = sides.map((side) => side.hints());
    expect(realHints).toEqual(modelHints);
    if (hints > 0) answers.add('handed over');
  }

  function note(answer: unknown): void {
    for (const one of Array.isArray(answer) ? (answer as unknown[]) : [answer]) {
      answers.add(typeof one === 'object' && one !== null && 'kind' in one ? String(one.kind) : String(one));
    }
  }

  async function started(store: CacheTxnStore, processLabel: string): Promise<CacheTxnStore> {
    await store.start({ namespace: 'history', processLabel, report: silentSink, warn: () => undefined });
    return store;
  }
});
