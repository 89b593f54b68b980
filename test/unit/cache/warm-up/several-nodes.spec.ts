import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Duration } from '../../../../src/base/duration.js';
import { milestone, type Milestone } from '../../../support/txn-world.js';
import { gate, unavailable } from '../../../support/stores/scripted-store.js';
import { observe } from '../../lock/lock-world.js';
import { Capitals, keysOf, WarmUpWorld, type WarmNode } from './warm-up-world.js';

const LOCK = 'nestjs-cache-txn/warm-up/capitals';

let world: WarmUpWorld;
let warmer: Capitals;
let end: Milestone;
beforeEach(() => {
  world = new WarmUpWorld();
  warmer = new Capitals(keysOf(4));
  end = milestone();
});

const stateOf = ({ warmUp }: WarmNode) => warmUp.status()[0]?.state;

describe('nodes that start', () => {
  it('together warm once: the others wait for the first, and are ready when it is', async () => {
    warmer.before = () => end.reached;
    const nodes = [];
    for (let i = 0; i < 20; i += 1) nodes.push(await world.node({ capitals: warmer }, { required: true }));
    await world.elapse(3_000);
    expect(nodes.map(stateOf).sort()).toEqual([...Array<string>(19).fill('elsewhere'), 'running']);
    expect(nodes.map(({ warmUp }) => warmUp.isReady)).toEqual(Array(20).fill(false));
    end.reach();
    await world.elapse(1_000);
    await Promise.all(nodes.map(({ warmUp }) => warmUp.ready));
    expect(nodes.map(stateOf)).toEqual(Array(20).fill('done'));
    expect(nodes.map(({ warmUp }) => warmUp.status()[0])).toEqual(
      expect.arrayContaining([expect.objectContaining({ by: 'another node', warmed: 4, loaded: 0 })]),
    );
    expect(warmer.loads).toEqual([keysOf(4)]);
  });

  it('within `freshFor` after another find it done, and later ones warm again', async () => {
    await world.node({ capitals: warmer }, { freshFor: '30s', ttl: '10s' });
    await world.elapse(29_000);
    const second = await world.node({ capitals: warmer });
    await world.until(second, 'done');
    expect(warmer.loads).toHaveLength(1);
    expect(second.lines).toEqual(['warm-up capitals: another node has done it, 4 keys']);
    await world.elapse(2_000);
    await world.until(await world.node({ capitals: warmer }), 'done');
    expect(warmer.loads).toHaveLength(2);
  });

  it('with `every` warm as often as one does', async () => {
    const options = { every: '100s', ttl: '1s' } as const;
    const early = await world.node({ capitals: warmer }, options);
    await world.until(early, 'done');
    await world.elapse(50_000);
    await world.node({ capitals: warmer }, options);
    await world.elapse(450_500);
    expect(warmer.loads.length).toBe(6);
  });

  it('find it done when it is done between their two questions', async () => {
    const first = await world.node({});
    await first.cache.set(LOCK, { warmed: 4 });
    const second = await world.node({ capitals: warmer }, {}, ({ store }) => {
      store.next('readEntries', async () => [undefined]);
    });
    await world.until(second, 'done');
    expect([warmer.loads, second.warmUp.status()[0]?.by]).toEqual([[], 'another node']);
  });

  it('on demand wait for the node that warms', async () => {
    const first = await world.node({ capitals: warmer });
    await world.until(first, 'done');
    await first.cache.delete(...keysOf(4));
    warmer.before = () => end.reached;
    const second = await world.node({ capitals: warmer });
    await world.until(second, 'done');
    const running = first.warmUp.run();
    await world.settle();
    const waiting = second.warmUp.run();
    await world.elapse(3_000);
    expect([stateOf(first), stateOf(second)]).toEqual(['running', 'elsewhere']);
    end.reach();
    await world.finish(Promise.all([running, waiting]));
    expect([warmer.loads.length, second.warmUp.status()[0]?.by]).toEqual([2, 'another node']);
  });
});

describe('a warm-up on demand while the node still asks whether another one has done it', () => {
  it.each([
    ['for the first time', 0],
    ['when it has the lock', 1],
  ])('%s, warms', async (_when, looks) => {
    const first = await world.node({ capitals: warmer });
    await world.until(first, 'done');
    await first.cache.delete(...keysOf(4));
    const [asked, answer] = [milestone(), milestone()];
    const second = await world.node({ capitals: warmer }, {}, ({ store }) => {
      for (let i = 0; i < looks; i += 1) store.next('readEntries', async () => [undefined]);
      store.next('readEntries', async (go) => {
        asked.reach();
        await answer.reached;
        return go();
      });
    });
    await world.finish(asked.reached);
    const onDemand = second.warmUp.run();
    answer.reach();
    expect(await world.finish(onDemand)).toMatchObject([{ by: 'this node', loaded: 4 }]);
    expect(warmer.loads).toHaveLength(2);
  });

  it('and gives the lock back because another one had done it, warms after that', async () => {
    const first = await world.node({ capitals: warmer });
    await world.until(first, 'done');
    await first.cache.delete(...keysOf(4));
    const [releasing, released] = [milestone(), milestone()];
    const second = await world.node({ capitals: warmer }, {}, ({ store }) => {
      store.next('readEntries', async () => [undefined]);
      store.next('releaseLocks', async (go) => {
        releasing.reach();
        await released.reached;
        return go();
      });
    });
    await world.finish(releasing.reached);
    const onDemand = second.warmUp.run();
    released.reach();
    expect(await world.finish(onDemand)).toMatchObject([{ by: 'this node', loaded: 4 }]);
    expect(warmer.loads).toHaveLength(2);
  });

  it('and has done it itself, with its lock not free yet, warms after that', async () => {
    const releasing = gate();
    const node = await world.node({ capitals: warmer }, {}, ({ store }) => {
      store.next('releaseLocks', releasing.lateReply);
    });
    await world.until(node, 'done');
    await node.warmUp.ready;
    await node.cache.delete('key-1');
    const run = observe(node.warmUp.run('capitals'));
    await world.settle();
    releasing.open();
    await world.elapse(1_000);
    expect(run.state).toBe('fulfilled');
    expect(await node.cache.get('key-1')).toBe('KEY-1');
  });
});

describe('a node that warms and', () => {
  async function twoNodes(timeout: Duration = '2s'): Promise<[WarmNode, WarmNode]> {
    warmer.before = () => (warmer.loads.length === 3 ? end.reached : undefined);
    const first = await world.node({ capitals: warmer }, { batch: 1, timeout });
    await world.settle();
    const second = await world.node({ capitals: warmer }, { batch: 1, timeout });
    await world.elapse(500);
    expect([stateOf(first), stateOf(second)]).toEqual(['running', 'elsewhere']);
    return [first, second];
  }

  it('closes is succeeded by another, which loads what is missing', async () => {
    const [first, second] = await twoNodes();
    await first.warmUp.stop();
    expect(warmer.signals[2]?.aborted).toBe(true);
    await world.until(second, 'done');
    expect(warmer.loads).toEqual([['key-0'], ['key-1'], ['key-2'], ['key-2'], ['key-3']]);
    expect(second.warmUp.status()[0]).toMatchObject({ by: 'this node', warmed: 4, loaded: 2 });
  });

  it('dies is succeeded by another when its lock has ended', async () => {
    const [first, second] = await twoNodes();
    for (const operation of ['renewLocks', 'readEntries', 'acquireLocks', 'leaseFill', 'fill'] as const)
      first.store.always(operation, () => new Promise(() => undefined));
    await world.until(second, 'done');
    expect(warmer.loads).toEqual([['key-0'], ['key-1'], ['key-2'], ['key-2'], ['key-3']]);
  });

  it('loses its lock stops, and waits for whoever has it', async () => {
    const [first, second] = await twoNodes('30s');
    await second.locks.forceRelease(LOCK);
    await world.elapse(5_000);
    expect(warmer.signals[2]?.aborted).toBe(true);
    await world.until(first, 'done');
    await world.until(second, 'done');
    expect(warmer.loads.filter(([key]) => key === 'key-3')).toHaveLength(1);
    expect(first.reported.map(({ error }) => error)).toMatchObject([{ code: 'LOCK_LOST' }]);
  });

  it('has died with a batch under way has its keys loaded together, not one by one at once', async () => {
    const keys = keysOf(50);
    const first = await world.node({});
    const theirs = first.cache.getOrLoadMany(keys, () => new Promise(() => undefined), { timeout: '2s' });
    theirs.catch(() => undefined);
    await world.settle();
    first.store.always('fill', unavailable);
    let [running, most] = [0, 0];
    const patient = new Capitals(keys);
    patient.before = async () => {
      most = Math.max(most, (running += 1));
      await world.settle();
      running -= 1;
    };
    const second = await world.node({ patient });
    await world.until(second, 'done');
    expect(patient.loads.flat().sort()).toEqual([...keys].sort());
    expect([most, patient.loads.length < 10]).toEqual([1, true]);
  });
});
