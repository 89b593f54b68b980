import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Writable } from 'node:stream';

import { CommandRunner } from '../../../src/redis/commands/command-runner.js';
import { IntentCommands } from '../../../src/redis/commands/intent-commands.js';
import { LockCommands } from '../../../src/redis/commands/lock-commands.js';
import { WriteGathering } from '../../../src/redis/commands/write-gathering.js';
import { KeySpace } from '../../../src/store/key-space.js';

/** What reached the system, write by write. */
function recordingSocket(): { readonly socket: Writable; readonly writes: string[][] } {
  const writes: string[][] = [];
  const socket = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      writes.push([chunk]);
      done();
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => chunk as string));
      done();
    },
  });
  return { socket, writes };
}

function gatheringOf(client: object): WriteGathering {
  return new WriteGathering(client as unknown as Redis);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the writes of one turn', () => {
  it('leave together, those of promises that settle in it included', async () => {
    const { socket, writes } = recordingSocket();
    const gathering = gatheringOf({ stream: socket });
    const send = (command: string): void => {
      gathering.begin();
      socket.write(command);
    };
    send('a');
    await Promise.resolve();
    send('b');
    expect(writes).toEqual([]);
    await nextTurn();
    expect(writes).toEqual([['a', 'b']]);
    send('c');
    await nextTurn();
    expect(writes).toEqual([['a', 'b'], ['c']]);
  });

  it('leave before any timer: what was reported as timed out is not sent afterwards', async () => {
    const { socket, writes } = recordingSocket();
    const gathering = gatheringOf({ stream: socket });
    const seenByTimer = new Promise((resolve) => setTimeout(() => resolve([...writes]), 0));
    gathering.begin();
    socket.write('a');
    expect(await seenByTimer).toEqual([['a']]);
  });

  it('leave eight at a time, so that the server starts on the first', async () => {
    const { socket, writes } = recordingSocket();
    const gathering = gatheringOf({ stream: socket });
    for (let n = 0; n < 20; n++) {
      gathering.begin();
      socket.write(String(n));
    }
    await nextTurn();
    expect(writes.map(({ length }) => length)).toEqual([8, 8, 4]);
    expect(writes.flat()).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  });

  it('leave eight at a time for each master of a cluster', async () => {
    const masters = [recordingSocket(), recordingSocket()];
    const nodes = (): unknown => masters.map(({ socket }) => ({ stream: socket }));
    const gathering = gatheringOf({ slots: [], nodes });
    for (let n = 0; n < 20; n++) {
      gathering.begin();
      masters[n % 2]?.socket.write(String(n));
    }
    await nextTurn();
    expect(masters.map(({ writes }) => writes.map(({ length }) => length))).toEqual([
      [8, 2],
      [8, 2],
    ]);
  });

  it('leave at once when asked', () => {
    const { socket, writes } = recordingSocket();
    const gathering = gatheringOf({ stream: socket });
    gathering.begin();
    socket.write('a');
    gathering.end();
    expect(writes).toEqual([['a']]);
  });

  it('need no connection to be gathered, and none that is still the same at the end', async () => {
    const before = recordingSocket();
    const after = recordingSocket();
    const client: { stream?: Writable } = {};
    const gathering = gatheringOf(client);
    gathering.begin();
    client.stream = before.socket;
    gathering.begin();
    before.socket.write('a');
    client.stream = after.socket;
    await nextTurn();
    gathering.begin();
    after.socket.write('b');
    await nextTurn();
    expect([before.writes, after.writes]).toEqual([[['a']], [['b']]]);
  });
});

describe('the commands of a store', () => {
  /** A client that writes the first argument and answers nothing, and what it wrote. */
  function commandsOf(): {
    readonly locks: LockCommands;
    readonly intents: IntentCommands;
    readonly writes: string[][];
  } {
    const { socket, writes } = recordingSocket();
    const evalsha = (_sha1: string, _keys: number, key: string): Promise<unknown> => {
      socket.write(key);
      return Promise.resolve('released');
    };
    const client = { status: 'ready', stream: socket, evalsha } as unknown as Redis;
    const runner = new CommandRunner(client, 1_000);
    const keys = new KeySpace('ns');
    return {
      locks: new LockCommands(runner, keys, 'in', () => 0),
      intents: new IntentCommands(runner, keys, false),
      writes,
    };
  }

  it('share a write', async () => {
    const { locks, writes } = commandsOf();
    const releasing = ['a', 'b'].map((name) => locks.release({ names: [name], token: 't' }));
    await Promise.all([...releasing, nextTurn()]);
    expect(writes).toEqual([['ns:l:a', 'ns:l:b']]);
  });

  it('G7: do not wait when they are renewals: the rest of the turn may be a method that blocks the event loop', async () => {
    const { locks, writes } = commandsOf();
    const renewing = locks.renew([{ name: 'a', token: 't', leaseMs: 1 }]);
    expect(writes).toEqual([['ns:l:a']]);
    await expect(renewing).rejects.toMatchObject({ code: 'STORE_REPLY' });
  });

  it('G18: do not wait when they are decisions that rely on the lock of another store, and share a write when they are not', async () => {
    const { intents, writes } = commandsOf();
    const decision = (isUrgent: boolean) =>
      intents.decide({ txnId: 't', operations: [{ kind: 'delete', key: 'a' }], checks: [], isUrgent });
    const gathered = decision(false);
    expect(writes).toEqual([]);
    const urgent = decision(true);
    expect(writes).toEqual([['ns:d:{ns:e:a}:t', 'ns:d:{ns:e:a}:t']]);
    for (const answer of [gathered, urgent]) await expect(answer).rejects.toMatchObject({ code: 'STORE_REPLY' });
  });
});
