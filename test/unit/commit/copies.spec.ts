import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError } from '../../../src/base/errors.js';
import { check, type CommitProcess, CommitWorld, put } from './commit-world.js';

let world: CommitWorld;
let process: CommitProcess;
let other: CommitProcess;
let one: string;
let two: string;

beforeEach(async () => {
  world = new CommitWorld();
  [process, other] = [await world.process(), await world.process()];
  [one, two] = [0, 1].map((slot) => world.inSlot(process, slot)) as [string, string];
});

describe('a request that arrives a second time', () => {
  it('G14: a refused decision is made an end of before anything is taken back: its copy commits nothing', async () => {
    const read = world.inSlot(process, 0, 'read');
    await world.write(process, [read], 'there');
    const proposal = world.proposal([put(one, 'new'), put(two, 'new'), check(read, 0)]);
    process.store.next('decide', async (run, { request }) => {
      const refusal = await run();
      await process.store.inner.commit({
        txnId: 'somebody',
        operations: [{ kind: 'delete', key: read }],
        guards: [],
        outcomeTtlMs: 0,
      });
      // The copy comes when the other slots are being taken back.
      process.store.next('settle', async (settle) => {
        await process.store.inner.decide(request as Parameters<typeof process.store.decide>[0]);
        return settle();
      });
      return refusal;
    });
    await expect(world.commit(process, proposal)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    await world.expectNothingLeft(other, [one, two]);
    expect(await world.values(other, [one, two])).toEqual([undefined, undefined]);
  });

  it.each(['the next try was not sent', 'the question about the intent was not sent', 'its lock was lost meanwhile'])(
    'G14: a decision that met an intent is made an end of when %s: its copy commits nothing',
    async (how) => {
      const read = world.inSlot(process, 0, 'read');
      const rival = await world.prepared(other, read);
      let copy = (): Promise<unknown> => Promise.resolve();
      process.store.next('decide', async (run) => {
        copy = run;
        const refusal = await run();
        // What was in its way goes, and a copy of it is on its way.
        if (how === 'the question about the intent was not sent') process.store.next('askDecision', 'refuse');
        await other.store.inner.resolveCommit({ ...rival, outcomeTtlMs: 0 });
        return refusal;
      });
      // The settlement of the rival's intent goes first, where it comes to that.
      if (how !== 'the question about the intent was not sent')
        process.store.next('settle', async (settle) => settle());
      if (how === 'the next try was not sent') process.store.next('decide', 'refuse');
      process.store.next('settle', async (settle) => {
        await other.reader.read([read]);
        await copy();
        return settle();
      });
      let looks = 0;
      const assertLocksHeld = (): void => {
        looks += 1;
        if (looks > 1 && how === 'its lock was lost meanwhile') throw new LockLostError('lost');
      };
      const proposal = world.proposal([put(one, 'new'), put(two, 'new'), check(read, 0)], { assertLocksHeld });
      await expect(world.commit(process, proposal)).rejects.toMatchObject({
        code: how === 'its lock was lost meanwhile' ? 'LOCK_LOST' : 'STORE_UNAVAILABLE',
      });
      await world.expectNothingLeft(other, [one, two]);
      expect(await world.values(other, [one, two])).toEqual([undefined, undefined]);
    },
  );

  it('G20: a copy of a prepare whose slot a reader has settled is refused as long as the decision is known', async () => {
    let copy = (): Promise<unknown> => Promise.resolve();
    process.store.next('prepare', async (run) => run());
    process.store.next('prepare', async (run) => {
      copy = run;
      return run();
    });
    process.store.next('settle', 'drop-before');
    await world.commit(process, world.proposal([put(one, 'mine'), put(two, 'mine')]));
    expect(await world.values(other, [two])).toEqual(['mine']); // Settled in passing.
    await world.write(other, [two], 'theirs');
    for (let waitedMs = 0; waitedMs <= 50_000; waitedMs += 10_000) {
      expect(await copy()).toEqual({ kind: 'aborted' });
      expect(await world.values(other, [two])).toEqual(['theirs']);
      await world.clock.advanceAsync(10_000);
    }
  });
});

describe('a commit over several slots', () => {
  it('G18: looks at its locks again before each try to decide', async () => {
    const read = world.inSlot(process, 0, 'read');
    const settled = await world.prepared(other, read);
    await other.store.inner.decide({ txnId: settled.txnId, operations: settled.operations, checks: [] });
    const rival = await world.prepared(other, world.inSlot(process, 0, 'read'));
    await world.clock.advanceAsync(0);
    const lost = new LockLostError('lost');
    let looks = 0;
    const assertLocksHeld = (): void => {
      looks += 1;
      if (looks > 1) throw lost;
    };
    // While it passes the rival's intent, which becomes aborted, its lock is lost.
    process.store.next('askDecision', async (run) => {
      await other.store.inner.resolveCommit({ ...rival, outcomeTtlMs: 0 });
      return run();
    });
    const versions = await other.reader.read([read]);
    const proposal = world.proposal([put(one, 'new'), put(two, 'new'), check(read, versions[0]?.version ?? 0)], {
      assertLocksHeld,
    });
    await expect(world.commit(process, proposal)).rejects.toBe(lost);
    expect([looks, await world.values(other, [one, two])]).toEqual([2, [undefined, undefined]]);
  });

  it('G14: a deletion whose intent has got lost deletes all the same', async () => {
    await world.write(process, [one, two], 'old');
    const proposal = world.proposal([put(one, 'new'), { kind: 'delete', key: two }]);
    process.store.next('settle', async (run, { request }) => {
      // The slot has lost the intent, as after a failover: the old value is there again.
      const { txnId, anchor } = request as { readonly txnId: string; readonly anchor: string };
      await process.store.inner.settle({ txnId, verdict: 'aborted', keys: [two], anchor, rememberMs: 1 });
      return run();
    });
    await world.commit(process, proposal);
    await world.clock.advanceAsync(0);
    expect(await world.values(other, [one, two])).toEqual(['new', undefined]);
  });
});
