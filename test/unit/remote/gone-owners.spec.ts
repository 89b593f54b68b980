import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NAME, RemoteWorld } from './remote-world.js';

describe('owners of transactions with participants that are gone', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('before the decision: the nodes wait until it may not come any more, and keep the old list', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.next('decide', 'drop-before');
    owner.store.always('resolveCommit', 'drop-before');
    owner.store.always('concludeRoll', 'drop-before');
    owner.switchTo('new').catch(() => undefined);
    await world.elapse(3_000);
    expect(world.shown(nodes)).toEqual(['waits', 'waits']);
    await world.elapse(3_000);
    expect(world.shown(nodes)).toEqual(['old', 'old']);
    expect(nodes[0]!.prices.calls).toEqual(['join', 'prepare new', 'abort new']);
  });

  it('after the decision: the nodes ask for it', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.next('decide', async (run) => {
      const answer = await run();
      owner.die();
      return answer;
    });
    owner.switchTo('new').catch(() => undefined);
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['waits', 'waits']);
    await world.elapse(1_100);
    expect(world.shown(nodes)).toEqual(['new', 'new']);
  });

  it('a decision that the nodes have not heard of is not forgotten, however long they cannot be told', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.always('concludeRoll', 'refuse');
    for (const { store } of nodes) store.always('askDecision', 'refuse');
    await world.finish(owner.switchTo('new'));
    await world.elapse(120_000);
    expect(world.shown(nodes)).toEqual(['waits', 'waits']);
    for (const { store } of nodes) store.clear();
    await world.elapse(1_500);
    expect(world.shown(nodes)).toEqual(['new', 'new']);
  });

  it('whoever clears up tells the nodes before the decision may be forgotten', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.always('concludeRoll', 'refuse');
    for (const { store } of nodes) store.always('askDecision', 'refuse');
    await world.finish(owner.switchTo('new'));
    await world.elapse(20_000);
    const other = await world.node({ isBare: true });
    other.store.always('concludeRoll', 'refuse');
    await other.recovery.clearUp();
    await world.elapse(120_000);
    expect(world.shown(nodes)).toEqual(['waits', 'waits']);
    other.store.clear();
    await other.recovery.clearUp();
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['new', 'new']);
    expect(await other.store.overdueTransactions(10)).toEqual([]);
  });

  it('the next transaction clears what a dead owner has left out of its way', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.next('decide', async () => {
      owner.die();
      throw new Error('dead');
    });
    owner.switchTo('lost', 1_000).catch(() => undefined);
    await world.elapse(500);
    await expect(world.finish(nodes[0]!.switchTo('too early'))).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    await world.elapse(600);
    await world.finish(nodes[0]!.switchTo('new'));
    await world.elapse(0);
    expect(world.shown(nodes)).toEqual(['new', 'new']);
  });

  it('a roll call that arrives after its transaction has ended asks nobody', async () => {
    const nodes = await world.withOldList(2);
    const owner = await world.node({ isBare: true });
    owner.store.next('callRoll', { kind: 'late', afterOperations: 30 });
    await expect(world.finish(owner.switchTo('new'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await owner.store.arrive();
    await world.elapse(2_000);
    expect(world.shown(nodes)).toEqual(['old', 'old']);
    expect(nodes[0]!.prices.calls).toEqual(['join']);
  });

  it('a reader waits for as long as it says', async () => {
    const [node] = await world.withOldList(1);
    const owner = await world.node({ isBare: true });
    owner.store.next('decide', 'drop-before');
    owner.store.always('resolveCommit', 'drop-before');
    owner.switchTo('new').catch(() => undefined);
    await world.elapse(10);
    const leaving = new AbortController();
    const [short, long] = [
      node!.remote.whenCurrent(NAME, { wait: '200ms' }),
      node!.remote.whenCurrent(NAME, { signal: leaving.signal }),
    ];
    short.catch(() => undefined);
    await world.elapse(300);
    await expect(short).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    leaving.abort(new Error('gone'));
    await expect(long).rejects.toThrow('gone');
  });
});
