import { beforeEach, describe, expect, it } from '@jest/globals';

import { ReplicaChannel, type ReplicaLink, type Shortfall } from '../../../src/redis/replicas/replica-channel.js';
import {
  type KnownReplicas,
  type Proof,
  type Reached,
  replicasOfMyself,
} from '../../../src/redis/replicas/replica-connection.js';
import { gate } from '../../../src/testing/faults/gate.js';

/** What was asked of a master: how many commits, for how many replicas, and for how long. */
interface Asked {
  readonly mark: string;
  readonly commits: number;
  readonly replicas: number;
  readonly waitMs: number;
}

/** A master whose replicas do as the test says. */
class FakeMaster {
  known: KnownReplicas = { history: 'first', replicas: 2, isComplete: false };
  online = 2;
  acknowledged = 2;
  hasIt = true;
  connections = 0;
  isAway = false;
  readonly asked: Asked[] = [];
  passage: (run: () => Promise<unknown>) => Promise<unknown> = (run) => run();

  link(): ReplicaLink {
    this.connections += 1;
    let isOpen = false;
    return {
      get isOpen() {
        return isOpen;
      },
      open: async () => {
        if (this.isAway) throw new Error('away');
        isOpen = true;
      },
      learn: async () => this.known,
      ask: async (mark, proofs, replicas, waitMs): Promise<Reached> => {
        this.asked.push({ mark, commits: proofs.length, replicas, waitMs });
        await this.passage(async () => undefined);
        const { online, acknowledged } = this;
        return { online, acknowledged, proofs: proofs.map(() => this.hasIt) };
      },
      close: () => {
        isOpen = false;
      },
    };
  }
}

const NOW_MS = 10_000;
const proof: Proof = { key: 'record', isGiven: () => true };

let master: FakeMaster;
let channel: ReplicaChannel;
let learnt: number[];

beforeEach(() => {
  master = new FakeMaster();
  learnt = [];
  channel = new ReplicaChannel(
    () => master.link(),
    () => NOW_MS,
    (replicas) => learnt.push(replicas),
  );
});

function ask(mark = 'mark', leftMs = 1_000): Promise<Shortfall | undefined> {
  return channel.acknowledged({ mark, proof, untilMs: NOW_MS + leftMs });
}

describe('the channel to the replicas of a master', () => {
  it('G43: waits for as many replicas as the master has', async () => {
    expect(await ask()).toBeUndefined();
    expect(master.asked).toEqual([{ mark: 'mark', commits: 1, replicas: 2, waitMs: 850 }]);
    master.acknowledged = 1;
    expect(await ask()).toEqual({ why: '1 of 2 replicas acknowledged it' });
  });

  it('G43: makes one question of all that come while one is underway', async () => {
    const underway = gate();
    master.passage = underway.before;
    const first = ask('first', 300);
    await underway.reached;
    const others = Array.from({ length: 100 }, (_, i) => ask(`other ${i}`, i + 100));
    expect(master.asked).toHaveLength(1);
    underway.open();
    expect(await Promise.all([first, ...others])).toEqual(Array(101).fill(undefined));
    // As long as the most patient of them waits, less a third where that is not long.
    expect(master.asked.slice(1)).toEqual([{ mark: 'other 0', commits: 100, replicas: 2, waitMs: 132 }]);
  });

  it('G43: never waits for ever, which is what 0 means to Redis', async () => {
    expect(await ask('mark', 0)).toBeUndefined();
    expect(master.asked.map(({ waitMs }) => waitMs)).toEqual([1]);
  });

  it('G43: counts a replica that has come since, in the same answer that tells of it', async () => {
    await ask();
    master.online = 3;
    expect(await ask()).toEqual({ why: '2 of 3 replicas acknowledged it' });
    master.acknowledged = 3;
    expect(await ask()).toBeUndefined();
    expect(master.asked.at(-1)?.replicas).toBe(3);
  });

  it('G43: does not forget a replica that has left the same master, on a new connection either', async () => {
    await ask();
    Object.assign(master, { online: 1, acknowledged: 1, known: { ...master.known, replicas: 1 } });
    expect(await ask()).toEqual({ why: '1 of 2 replicas acknowledged it' });
    channel.close();
    expect(await ask()).toEqual({ why: '1 of 2 replicas acknowledged it' });
    expect(master.connections).toBe(2);
  });

  it('G43: counts anew where another master has taken over', async () => {
    await ask();
    Object.assign(master, { online: 1, acknowledged: 1, known: { ...master.known, history: 'second', replicas: 1 } });
    channel.close();
    expect(await ask()).toBeUndefined();
    expect(learnt).toEqual([2, 1]);
  });

  it('G43: believes a cluster that a replica has gone for good', async () => {
    master.known = { ...master.known, isComplete: true };
    await ask();
    Object.assign(master, { online: 1, acknowledged: 1, known: { ...master.known, replicas: 1 } });
    expect(await ask()).toEqual({ why: '1 of 2 replicas acknowledged it' });
    expect(await ask()).toBeUndefined();
  });

  it('G43: is not satisfied when the server has not got the commit, and looks for another one', async () => {
    master.hasIt = false;
    expect(await ask()).toEqual({ why: 'the present master does not have it' });
    master.hasIt = true;
    expect(await ask()).toBeUndefined();
    expect(master.connections).toBe(2);
  });

  it('G43: says what is wrong when there is no master, and tries again when it is asked again', async () => {
    master.isAway = true;
    expect(await ask()).toMatchObject({ why: 'the master was not reached', cause: { message: 'away' } });
    master.isAway = false;
    expect(await ask()).toBeUndefined();
  });
});

describe('the replicas of a cluster node', () => {
  const NODES = [
    'aa 127.0.0.1:1@10001 myself,master - 0 0 1 connected 0-5460',
    'bb 127.0.0.1:2@10002 master - 0 0 2 connected 5461-16383',
    'cc 127.0.0.1:3@10003 slave aa 0 0 1 connected',
    'dd 127.0.0.1:4@10004 slave bb 0 0 2 connected',
    'ee 127.0.0.1:5@10005 slave,fail aa 0 0 1 disconnected',
    '',
  ].join('\n');

  it('G43: are those that belong to it, also those that are away', () => {
    expect(replicasOfMyself(NODES)).toBe(2);
    expect(replicasOfMyself('')).toBe(0);
  });
});
