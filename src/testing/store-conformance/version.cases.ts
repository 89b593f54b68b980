import assert from 'node:assert/strict';
import { BRIEF_MS, TICK_MS } from './case-times.js';
import { bump, committed, put, remove, written } from './committer.js';
import { inOneSlot } from './observations.js';
import type { StoreConformanceCase } from './store-harness.js';

/** Versions only grow for a key and are never used twice. */
export const versionCases: readonly StoreConformanceCase[] = [
  {
    name: 'a counter adds one, however much time has passed',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const first = await written(harness, put(key, 'a', { strategy: 'counter' }));
      await harness.elapse(TICK_MS);
      assert.equal(await written(harness, put(key, 'b', { strategy: 'counter' })), first + 1);
      assert.equal(await written(harness, bump(key, { strategy: 'counter' })), first + 2);
    },
  },
  {
    name: 'a timestamp grows with the server’s time, in microseconds',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const first = await written(harness, put(key, 'a'));
      await harness.elapse(TICK_MS);
      const second = await written(harness, put(key, 'b'));
      assert(second - first >= (TICK_MS - 2) * 1_000);
      await harness.elapse(TICK_MS);
      assert((await written(harness, bump(key))) - second >= (TICK_MS - 2) * 1_000);
    },
  },
  {
    name: 'timestamps grow even without time between them',
    async run(harness) {
      const key = harness.uniqueName('entry');
      let last = 0;
      for (let round = 0; round < 50; round += 1) {
        const next = await written(harness, put(key, 'value'));
        assert(next > last);
        last = next;
      }
    },
  },
  {
    name: 'the keys of one commit that had no entry get the same version',
    async run(harness) {
      const [one = '', two = '', three = ''] = inOneSlot(harness, 3);
      const [first, second, third] = await committed(harness, [
        put(one, 'value'),
        put(two, 'value', { strategy: 'counter' }),
        bump(three),
      ]);
      assert.equal(second, first);
      assert.equal(third, first);
    },
  },
  {
    name: 'a key may change its strategy at any write, and its versions grow all the same',
    async run(harness) {
      const key = harness.uniqueName('entry');
      const strategies = ['counter', 'timestamp', 'counter', 'counter', 'timestamp', 'counter'] as const;
      let last = 0;
      for (const [index, strategy] of strategies.entries()) {
        const next = await written(
          harness,
          index % 2 === 0 ? put(key, 'value', { strategy }) : bump(key, { strategy }),
        );
        assert(next > last);
        last = next;
      }
    },
  },
  ...(['counter', 'timestamp'] as const).flatMap((strategy): readonly StoreConformanceCase[] => [
    {
      name: `a ${strategy} never repeats a version after the entry was deleted`,
      async run(harness) {
        const key = harness.uniqueName('entry');
        let last = 0;
        for (let round = 0; round < 5; round += 1) {
          for (let write = 0; write < 3; write += 1) {
            const next = await written(harness, put(key, 'value', { strategy }));
            assert(next > last);
            last = next;
          }
          await written(harness, remove(key));
        }
      },
    },
    {
      name: `a ${strategy} never repeats a version after the entry has expired`,
      async run(harness) {
        const key = harness.uniqueName('entry');
        const first = await written(harness, put(key, 'value', { strategy }));
        const last = await written(harness, put(key, 'value', { strategy, ttlMs: BRIEF_MS }));
        assert(last > first);
        await harness.elapse(TICK_MS);
        assert((await written(harness, put(key, 'value', { strategy }))) > last);
      },
    },
  ]),
];
