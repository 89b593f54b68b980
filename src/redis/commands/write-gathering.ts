import type { Cluster, Redis } from 'ioredis';
import { mastersOf } from '../connection/connection.js';

/** Each server shall work on the first commands of a turn while this process still makes the later ones. */
const MOST_COMMANDS = 8;

/**
 * Sends the commands of one turn of the event loop in one write: a system call for each would cost more than all the
 * rest of them [measured: 14 to 30 µs against 9 µs]. Every command keeps a reply, a failure and a deadline of its own.
 *
 * The write leaves before the next callback of the event loop, so before any timer: a command that was reported
 * as timed out is never sent afterwards.
 */
export class WriteGathering {
  private sockets: readonly Socket[] = [];
  private commands = 0;

  constructor(private readonly client: Redis | Cluster) {}

  /** What is written from here to the end of the turn leaves together. */
  begin(): void {
    if (this.sockets.length > 0) {
      if (++this.commands <= MOST_COMMANDS * this.sockets.length) return;
      this.end();
    }
    this.commands = 1;
    this.sockets = socketsOf(this.client);
    if (this.sockets.length === 0) return;
    for (const socket of this.sockets) socket.cork();
    process.nextTick(this.end);
  }

  /** Sends what was gathered. For a command that must not wait for whatever else runs in this turn. */
  readonly end = (): void => {
    const { sockets } = this;
    this.sockets = [];
    for (const socket of sockets) socket.uncork();
  };
}

/** None before the first connection, whatever the type says. */
function socketsOf(client: Redis | Cluster): Socket[] {
  const sockets: Socket[] = [];
  for (const { stream } of mastersOf(client) as { readonly stream?: Socket | undefined }[])
    if (stream !== undefined) sockets.push(stream);
  return sockets;
}

/** The connection below a client; ioredis makes a new one for each time it connects. */
interface Socket {
  cork(): void;
  uncork(): void;
}
