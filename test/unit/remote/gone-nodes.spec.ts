import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { gate } from '../../support/stores/scripted-store.js';
import { milestone } from '../../support/txn-world.js';
import { NAME, PRICES, RemoteWorld } from './remote-world.js';

describe('participants that are gone', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('a node that has died holds a transaction up for no longer than its lease', async () => {
    const [owner, other, dead] = await world.withOldList(3);
    dead!.die();
    const running = owner!.switchTo('new');
    await world.elapse(1_500);
    expect(world.shown([owner!, other!])).toEqual(['waits', 'waits']);
    await world.finish(running);
    await world.elapse(0);
    expect(world.shown([owner!, other!])).toEqual(['new', 'new']);
    expect(dead!.shown()).toBe('waits');
  });

  it('G50: a node that cannot subscribe joins all the same and sees everything by looking, until it can', async () => {
    const [owner] = await world.withOldList(1);
    const deaf = await world.node({ isDeaf: true });
    expect(deaf.shown()).toBe('old');
    await world.finish(owner!.switchTo('new'));
    await world.elapse(1_000);
    expect(world.shown([owner!, deaf])).toEqual(['new', 'new']);
    deaf.store.watchRolls = FaultInjectingStore.prototype.watchRolls;
    await world.elapse(5_000);
    const { decide } = await world.undecidedSwitch(owner!);
    await decide();
    await world.elapse(0);
    expect(deaf.prices.calls.slice(-2)).toEqual(['prepare new', 'commit new']);
  });

  it('a node that is called before it knows that it has entered answers at once', async () => {
    const [owner] = await world.withOldList(1);
    const { lateReply, open } = gate();
    const entering = await world.node({ entering: lateReply });
    const running = owner!.switchTo('new');
    await world.elapse(10);
    open();
    await world.elapse(0);
    expect(world.shown([owner!, entering])).toEqual(['new', 'new']);
    await running;
  });

  it('a node that does not answer by the deadline aborts the transaction', async () => {
    const never = new Promise<void>(() => undefined);
    const [owner, other] = await world.withOldList(2);
    const stuck = await world.node({ manners: { prepare: () => never } });
    await expect(world.finish(owner!.switchTo('new', 2_000))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.elapse(0);
    expect(world.shown([owner!, other!, stuck])).toEqual(['old', 'old', 'waits']);
  });

  it('a node whose lease may have ended by its own clock shows nothing, at once, whatever its timers do', async () => {
    const [owner, stopped] = await world.withOldList(2);
    stopped!.store.always('*', 'refuse');
    stopped!.block(2_900);
    expect(stopped!.shown()).toBe('waits');
    expect(stopped!.prices.calls).toEqual(['join', 'leave']);
    await world.finish(owner!.switchTo('new'));
    stopped!.store.clear();
    await world.elapse(1_000);
    expect(stopped!.shown()).toBe('new');
    expect(stopped!.prices.calls).toEqual(['join', 'leave', 'join']);
  });

  it('a node leaves before its lease ends at the server', async () => {
    const [owner, away] = await world.withOldList(2);
    await world.elapse(1_000);
    const renewedAtMs = world.clock.now();
    away!.store.always('*', 'drop-before');
    while (away!.shown() !== 'waits') await world.elapse(10);
    expect(world.clock.now() - renewedAtMs).toBeLessThan(3_000);
    expect(owner!.shown()).toBe('old');
  });

  it('a node that was away for less than its lease catches up', async () => {
    const [owner, away] = await world.withOldList(2);
    const { decide } = await world.undecidedSwitch(owner!);
    away!.store.always('*', 'drop-before');
    await decide();
    await world.elapse(1_000);
    expect(world.shown([owner!, away!])).toEqual(['new', 'waits']);
    away!.store.clear();
    await world.elapse(1_000);
    expect(away!.shown()).toBe('new');
    expect(away!.prices.calls).toEqual(['join', 'prepare new', 'commit new']);
  });

  it('a node that was away for longer loads what was decided without it', async () => {
    const [owner, away] = await world.withOldList(2);
    const { decide } = await world.undecidedSwitch(owner!);
    away!.store.always('*', 'drop-before');
    await decide();
    await world.elapse(10_000);
    expect(away!.prices.calls).toEqual(['join', 'prepare new', 'leave']);
    await world.finish(owner!.switchTo('newer'));
    away!.store.clear();
    await world.elapse(5_000);
    expect(away!.shown()).toBe('newer');
  });

  it('everything is seen by looking when every hint is lost', async () => {
    const nodes = await world.withOldList(3);
    for (const { store } of nodes) store.always('hint', 'drop-before');
    await world.finish(nodes[0]!.switchTo('new'));
    await world.elapse(1_500);
    expect(world.shown(nodes)).toEqual(['new', 'new', 'new']);
  });

  it.each(['callRoll', 'answerRoll', 'concludeRoll', 'lookAsMember'] as const)(
    'answers to %s that get lost are asked for again',
    async (operation) => {
      const nodes = await world.withOldList(3);
      for (const { store } of nodes) store.next(operation, 'drop-after');
      await world.finish(nodes[0]!.switchTo('new').catch(() => undefined));
      await world.elapse(3_000);
      const list = await nodes[0]!.cache.get(PRICES);
      expect(world.shown(nodes)).toEqual([list, list, list]);
    },
  );

  it.each(['callRoll', 'answerRoll', 'concludeRoll', 'lookAsMember'] as const)(
    'a copy of %s that arrives much later changes nothing',
    async (operation) => {
      const nodes = await world.withOldList(3);
      for (const { store } of nodes) store.next(operation, { kind: 'duplicate', afterOperations: 40 });
      await world.finish(nodes[0]!.switchTo('new'));
      await world.finish(nodes[1]!.switchTo('newer'));
      for (const { store } of nodes) await store.arrive();
      await world.elapse(10_000);
      expect(world.shown(nodes)).toEqual(['newer', 'newer', 'newer']);
    },
  );

  it('a node whose commit fails leaves and loads the present state', async () => {
    const [owner] = await world.withOldList(1);
    let failures = 0;
    const failing = await world.node({
      manners: {
        commit: () => {
          if (++failures === 1) throw new Error('out of memory');
        },
      },
    });
    await world.finish(owner!.switchTo('new'));
    await world.elapse(500);
    expect(failing.shown()).toBe('new');
    expect(failing.prices.calls).toEqual(['join', 'prepare new', 'commit new', 'leave', 'join']);
  });

  it('a node whose load fails shows nothing, and tries again', async () => {
    let failures = 0;
    const owner = await world.node({ isBare: true });
    await owner.cache.set(PRICES, 'old', { ttl: '1h' });
    const failing = await world.node({
      manners: {
        join: () => {
          if (++failures <= 2) throw new Error('the database is away');
        },
      },
    });
    expect(failing.shown()).toBe('waits');
    await world.finish(owner.switchTo('new'));
    await world.elapse(2_000);
    expect(failing.shown()).toBe('new');
    expect(failing.reported).toHaveLength(2);
  });

  it('a node that comes while others have voted shows the outcome, and no list before', async () => {
    const [owner, other] = await world.withOldList(2);
    const { decide } = await world.undecidedSwitch(owner!);
    const late = await world.node();
    await world.elapse(1_000);
    expect(late.shown()).toBe('waits');
    await decide();
    await world.elapse(500);
    expect(world.shown([owner!, other!, late])).toEqual(['new', 'new', 'new']);
    expect(late.prices.calls).toEqual(['join']);
  });

  it('a node that loads while a transaction asks it votes when it has loaded', async () => {
    const [owner] = await world.withOldList(1);
    const loaded = milestone();
    const late = await world.node({ manners: { join: () => loaded.reached } });
    const running = owner!.switchTo('new');
    await world.elapse(500);
    expect(world.shown([owner!, late])).toEqual(['waits', 'waits']);
    loaded.reach();
    await world.finish(running);
    await world.elapse(0);
    expect(world.shown([owner!, late])).toEqual(['new', 'new']);
    expect(late.prices.calls).toEqual(['join', 'prepare new', 'commit new']);
  });

  it('a node that stops is waited for by nobody', async () => {
    const [owner, leaving] = await world.withOldList(2);
    await world.finish(leaving!.remote.stop(1_000));
    await owner!.switchTo('new');
    expect(leaving!.prices.calls).toEqual(['join', 'leave']);
    await expect(leaving!.remote.whenCurrent(NAME)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
