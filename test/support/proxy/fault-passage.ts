import { connect, type Socket } from 'node:net';
import { Lane, type Losses, type Pace } from './fault-lane.js';
import { LOOPBACK } from '../servers/start-server.js';

/** What the network does to everybody, until it is told otherwise. */
export interface Conditions extends Pace {
  /** The part of the requests that never arrives; the connection is cut a moment later. 0 to 1. */
  readonly loseRequest: number;
  /** The part of the answers that nobody gets, though the server did what was asked; reset a moment later. 0 to 1. */
  readonly loseReply: number;
  /** Which requests may be lost, or their answers; compared with the bytes as they are sent. Default: all. */
  readonly losable: RegExp;
}

/** Requests that run a script. The handshake of a new connection has none, so it always comes up. */
export const SCRIPTS = /\r\neval(sha)?\r\n/i;

export const CALM: Conditions = {
  ...{ delayMs: 0, jitterMs: 0, isDripping: false },
  ...{ loseRequest: 0, loseReply: 0, losable: /(?:)/ },
};

/** Between a loss and the end of its connection: long enough that the server has done what was asked. */
const END_AFTER_LOSS_MS = 50;

/** Which connections are meant. */
export type Which = 'all' | 'subscribers' | 'others';

/** One client's connection through the proxy to the server. */
export class Passage {
  private readonly server: Socket;
  private readonly up: Lane;
  private readonly down: Lane;
  private isSubscriber = false;
  private closedCount = 0;

  constructor(
    private readonly client: Socket,
    serverPort: number,
    private readonly conditions: () => Conditions,
    private readonly random: () => number,
    losses: Losses,
    onEnd: () => void,
  ) {
    this.server = connect(serverPort, LOOPBACK);
    this.up = new Lane(this.server, conditions, random, losses);
    this.down = new Lane(client, conditions, random, losses);
    for (const socket of [client, this.server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // 'close' comes as well.
      socket.on('close', () => {
        this.closedCount += 1;
        if (this.closedCount === 2) onEnd();
      });
    }
    client.on('data', (bytes: Buffer) => this.request(bytes));
    this.server.on('data', (bytes: Buffer) => this.down.pass(bytes));
    // The server's side stays open while something is on its way to it, though nobody waits for an answer.
    client.on('close', () => {
      if (this.up.waitingBytes === 0) this.server.destroy();
    });
    this.server.on('close', () => {
      if (!this.up.isSilent) client.destroy();
    });
  }

  get heldBytes(): number {
    return this.up.waitingBytes;
  }

  is(which: Which): boolean {
    return which === 'all' || (which === 'subscribers') === this.isSubscriber;
  }

  hold(): void {
    this.up.hold();
  }

  async release(): Promise<void> {
    await this.up.release();
    if (this.client.destroyed) this.server.end();
  }

  /** Both ends hear nothing any more, and are told nothing either. */
  silence(): void {
    this.up.isSilent = true;
    this.down.isSilent = true;
  }

  /** Ends the silence; a connection that lost something is reset, as a router does that has forgotten it. */
  speak(): void {
    if (this.up.hasLost || this.down.hasLost || this.server.destroyed) this.reset();
    this.up.isSilent = false;
    this.down.isSilent = false;
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  private request(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    if (/\r\nsubscribe\r\n/i.test(text)) this.isSubscriber = true;
    const { loseRequest, loseReply, losable } = this.conditions();
    if (losable.test(text)) {
      if (this.random() < loseRequest) this.loseAndEnd(this.up, () => this.cut());
      // Answers come in the order of the requests: from this one on nothing is heard.
      else if (this.random() < loseReply) this.loseAndEnd(this.down, () => this.reset());
    }
    this.up.pass(bytes);
  }

  private loseAndEnd(lane: Lane, end: () => void): void {
    if (lane.isSilent) return;
    lane.isSilent = true;
    setTimeout(end, END_AFTER_LOSS_MS).unref();
  }
}
