import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { count, RemoteWorld } from './remote-world.js';

describe('a transaction with participants on other nodes', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('changes all of them together with the cache', async () => {
    const nodes = await world.withOldList(3);
    expect(world.shown(nodes)).toEqual(['old', 'old', 'old']);
    await nodes[0]!.switchTo('new');
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['new', 'new', 'new']);
    expect(await nodes[2]!.cache.get('prices')).toBe('new');
    for (const { prices } of nodes) expect(prices.calls).toEqual(['join', 'prepare new', 'commit new']);
  });

  it.each([1, 2, 3])('takes 3N + 2 messages to the store with %i nodes', async (size) => {
    const nodes = await world.withOldList(size);
    const owner = await world.node({ isBare: true });
    for (const { store } of [owner, ...nodes]) store.forget();
    await owner.switchTo('new');
    await world.elapse(0);
    const all = [owner, ...nodes];
    const messages = ['callRoll', 'lookAsMember', 'answerRoll', 'concludeRoll', 'readRoll'] as const;
    expect(messages.map((operation) => count(all, operation))).toEqual([1, size, 2 * size, 1, 0]);
    expect(world.shown(nodes)).toEqual(nodes.map(() => 'new'));
  });

  it('G50: shows nothing while a vote is open, and the new list on no node before every node has stopped showing the old one', async () => {
    const nodes = await world.withOldList(3);
    const { decide } = await world.undecidedSwitch(nodes[0]!);
    expect(world.shown(nodes)).toEqual(['waits', 'waits', 'waits']);
    await decide();
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['new', 'new', 'new']);
  });

  it('readers that wait are let in by the outcome', async () => {
    const [owner, other] = await world.withOldList(2);
    const { decide } = await world.undecidedSwitch(owner!);
    const reading = other!.remote.whenCurrent('pricing').then(() => other!.prices.list);
    await world.elapse(10);
    await decide();
    expect(await world.finish(reading)).toBe('new');
  });

  it('is rolled back everywhere when one votes against it', async () => {
    const nodes = await world.withOldList(2);
    const refusing = await world.node({
      manners: {
        prepare: () => {
          throw new Error('a list without the article of the day');
        },
      },
    });
    await expect(world.finish(nodes[0]!.switchTo('new'))).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    await world.elapse(0);
    // A vote against is final: its node may have gone, and been forgotten, before anybody looks.
    expect(count(nodes, 'readRoll')).toBe(0);
    expect(world.shown([...nodes, refusing])).toEqual(['old', 'old', 'old']);
    expect(await nodes[0]!.cache.get('prices')).toBe('old');
    expect(refusing.prices.calls).toEqual(['join', 'prepare new', 'abort new']);
    expect(refusing.reported.map(({ origin }) => origin.during)).toEqual([
      'prepare of a transaction by participant pricing',
    ]);
  });

  it('that is rolled back after the votes leaves the old list', async () => {
    const nodes = await world.withOldList(2);
    nodes[0]!.store.next('decide', 'refuse');
    await expect(world.finish(nodes[0]!.switchTo('new'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['old', 'old']);
    expect(nodes[1]!.prices.calls).toEqual(['join', 'prepare new', 'abort new']);
  });

  it('that meets another one conflicts, and succeeds when it is run again', async () => {
    const nodes = await world.withOldList(3);
    const retried = (list: string, i: number) =>
      nodes[i]!.coordinator.runWithRetry({ retry: { attempts: 20 } }, async () => {
        nodes[i]!.remote.enlist('pricing', list);
        await nodes[i]!.cache.set('prices', list, { ttl: '1h' });
      });
    await world.finish(Promise.all(['a', 'b', 'c'].map(retried)));
    await world.elapse(0);
    const last = await nodes[0]!.cache.get('prices');
    expect(world.shown(nodes)).toEqual([last, last, last]);
    for (const { prices } of nodes) {
      expect(prices.calls.filter((call) => call.startsWith('commit')).sort()).toEqual([
        'commit a',
        'commit b',
        'commit c',
      ]);
    }
  });

  it('without any participant commits, and a node that comes meanwhile waits for it', async () => {
    const owner = await world.node({ isBare: true });
    await owner.cache.set('prices', 'old', { ttl: '1h' });
    const { decide } = await world.undecidedSwitch(owner);
    const late = await world.node();
    await world.elapse(500);
    expect(late.shown()).toBe('waits');
    await decide();
    await world.elapse(200);
    expect(late.shown()).toBe('new');
    expect(late.prices.calls).toEqual(['join']);
  });
});
