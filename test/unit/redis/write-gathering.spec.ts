import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Writable } from 'node:stream';

import { CommandRunner } from '../../../src/redis/command-runner.js';
import { LockCommands } from '../../../src/redis/lock-commands.js';
import { WriteGathering } from '../../../src/redis/write-gathering.js';
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

function gatheringOf(client: { stream?: Writable }): WriteGathering {
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
  function commandsOf(): { readonly locks: LockCommands; readonly writes: string[][] } {
    const { socket, writes } = recordingSocket();
    const evalsha = (_sha1: string, _keys: number, key: string): Promise<unknown> => {
      socket.write(key);
      return Promise.resolve('released');
    };
    const client = { status: 'ready', stream: socket, evalsha } as unknown as Redis;
    const runner = new CommandRunner(client, 1_000);
    return { locks: new LockCommands(runner, new KeySpace('ns'), 'in', () => 0), writes };
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
});
