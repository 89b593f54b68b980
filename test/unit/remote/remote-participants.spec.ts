import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { followersOf } from '../lock/lock-world.js';
import { NAME, RemoteWorld } from './remote-world.js';

describe('RemoteParticipants.whenCurrent', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('refuses an option that does not exist, and a name that no provider has', async () => {
    const { remote } = await world.node();
    await expect(remote.whenCurrent(NAME, { wiat: 5 } as never)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: "whenCurrent has no option 'wiat'; it has wait, signal",
    });
    await expect(remote.whenCurrent('stranger')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('readers that come all the time', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('leave nothing at a signal that lives longer, whether they have waited or not', async () => {
    const [node] = await world.withOldList(1);
    const lasting = new AbortController();
    const left = (): number => followersOf(lasting.signal);
    const come = (): Promise<unknown> =>
      world.finish(
        Promise.all(Array.from({ length: 5 }, () => node!.remote.whenCurrent(NAME, { signal: lasting.signal }))),
      );
    await come();
    expect(left()).toBe(0);
    const { decide } = await world.undecidedSwitch(node!);
    const waiting = come();
    await decide();
    await waiting;
    expect(left()).toBe(0);
  });
});

describe('RemoteParticipants.enlist', () => {
  let world: RemoteWorld;

  beforeEach(() => {
    world = new RemoteWorld();
  });

  afterEach(() => world.stop());

  it('outside a transaction is refused', async () => {
    const { remote } = await world.node();
    expect(() => {
      remote.enlist(NAME, 1);
    }).toThrow(expect.objectContaining({ code: 'TXN_STATE' }));
  });

  it('of one name twice is refused, also by way of a nested part', async () => {
    const { coordinator, remote } = await world.node();
    const twice = coordinator.run(async () => {
      remote.enlist(NAME, 1);
      await coordinator.run({ propagation: 'nested' }, () => {
        remote.enlist(NAME, 2);
      });
    });
    await expect(world.finish(twice)).rejects.toMatchObject({ code: 'TXN_STATE' });
  });

  it('in a read-only transaction is refused', async () => {
    const { coordinator, remote } = await world.node();
    const reading = coordinator.run({ readOnly: true }, () => {
      remote.enlist(NAME, 1);
    });
    await expect(world.finish(reading)).rejects.toMatchObject({ code: 'TXN_STATE' });
  });

  it.each([
    ['what no text can hold', () => 1, 'INVALID_OPTIONS'],
    ['over a mebibyte', 'x'.repeat(1_048_576), 'LIMIT_EXCEEDED'],
  ])('with a payload of %s is refused', async (_what, payload, code) => {
    const { coordinator, remote } = await world.node();
    const running = coordinator.run(() => {
      remote.enlist(NAME, payload);
    });
    await expect(world.finish(running)).rejects.toMatchObject({ code });
  });

  it('of a nested part that is undone asks nobody', async () => {
    const node = await world.node();
    await world.finish(
      node.coordinator.run(async () => {
        const part = node.coordinator.run({ propagation: 'nested' }, () => {
          node.remote.enlist(NAME, 1);
          throw new Error('undone');
        });
        await expect(part).rejects.toThrow('undone');
      }),
    );
    expect(node.prices.calls).toEqual(['join']);
  });

  it('takes names of letters, digits, and _ . - only', async () => {
    const { remote } = await world.node();
    for (const name of ['', 'a b', '{a}', 'x'.repeat(65)]) {
      expect(() => {
        remote.enlist(name, 1);
      }).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    }
  });
});
