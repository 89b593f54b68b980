import type { Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

/** How bytes travel in one direction. */
export interface Pace {
  /** Each chunk is late by this, plus up to `jitterMs`; the order stays. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Every byte is a chunk of its own. */
  readonly isDripping: boolean;
}

/** What was lost so far, on all connections together. */
export interface Losses {
  bytes: number;
}

/** One direction of a connection: passes bytes on in their order, at a pace, or keeps them, or loses them. */
export class Lane {
  private readonly queue: Buffer[] = [];
  private isPumping = false;
  private isHeld = false;
  /** From now on everything is lost. */
  isSilent = false;
  /** Whether anything was lost: what comes later would make no sense to the other end. */
  hasLost = false;

  constructor(
    private readonly to: Socket,
    private readonly pace: () => Pace,
    private readonly random: () => number,
    private readonly losses: Losses,
  ) {}

  /** Bytes that wait here. */
  get waitingBytes(): number {
    return this.queue.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  pass(bytes: Buffer): void {
    if (this.isSilent) {
      this.hasLost = true;
      this.losses.bytes += bytes.length;
      return;
    }
    this.queue.push(bytes);
    void this.pump();
  }

  hold(): void {
    this.isHeld = true;
  }

  /** Resolves when what waited has been passed on. */
  async release(): Promise<void> {
    this.isHeld = false;
    await this.pump();
  }

  private async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    for (let bytes = this.next(); bytes; bytes = this.next()) {
      const { delayMs, jitterMs, isDripping } = this.pace();
      const lateMs = delayMs + jitterMs * this.random();
      if (lateMs > 0) await sleep(lateMs);
      if (isDripping) await this.drip(bytes);
      else this.to.write(bytes);
    }
    this.isPumping = false;
  }

  private next(): Buffer | undefined {
    return this.isHeld ? undefined : this.queue.shift();
  }

  private async drip(bytes: Buffer): Promise<void> {
    for (let i = 0; i < bytes.length; i += 1) {
      this.to.write(bytes.subarray(i, i + 1));
      await setImmediate();
    }
  }
}
