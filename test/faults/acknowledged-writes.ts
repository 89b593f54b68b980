import { setTimeout as sleep } from 'node:timers/promises';

import type { Member } from './cluster/member.js';

const PAUSE_MS = 5;

/** What one member was told to be committed while it wrote as fast as it could, and what is left of it. */
export class AcknowledgedWrites {
  private readonly acknowledged: (readonly string[])[] = [];
  private isStopped = false;
  private readonly working: Promise<void>;
  /** How often it was told that it cannot know. */
  inDoubt = 0;

  /** @param keysOf the keys of one transaction; its number is the value of all of them */
  constructor(
    private readonly member: Member,
    private readonly keysOf: (number: number) => readonly string[],
  ) {
    this.working = this.work();
  }

  get count(): number {
    return this.acknowledged.length;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.working;
  }

  /** The acknowledged transactions of which a key is missing, by its first key. */
  async missing(reader: Member): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const keys of this.acknowledged) {
      const found = await reader.cache.getMany([...keys]);
      if (found.size < keys.length) missing.push(keys[0]!);
    }
    return missing;
  }

  private async work(): Promise<void> {
    for (let number = 1; !this.isStopped; number += 1) {
      const keys = this.keysOf(number);
      try {
        await this.member.cache.setMany(Object.fromEntries(keys.map((key) => [key, number])));
        this.acknowledged.push(keys);
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 'TXN_IN_DOUBT') this.inDoubt += 1;
        // A store that is away may say so without a turn of the event loop.
        await sleep(PAUSE_MS);
      }
    }
  }
}
