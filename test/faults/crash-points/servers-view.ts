import type { ChainableCommander, Redis } from 'ioredis';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { serverRemains } from '../../support/history/server-remains.js';
import { observer, type ServerAddress } from '../../support/servers/redis-access.js';

const SLOTS = 16_384;

/** What the masters of a cluster hold, without anything that the library does when it meets an intent. */
export class ServersView {
  private readonly clients: readonly Redis[];

  /** @param masters in the order of their slots, a third each */
  constructor(
    masters: readonly ServerAddress[],
    private readonly namespace: string,
  ) {
    this.clients = masters.map((master) => observer(master));
  }

  /** The deadline of the intent of each key that has one, in ms since 1970 by its server. */
  async deadlines(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const intents = await this.ask(keys, (pipeline, key) => pipeline.hget(key, 'i'));
    return new Map(
      keys.flatMap((key, i) => {
        const intent = intents[i];
        return typeof intent === 'string' ? [[key, Number(intent.split(' ')[1])] as const] : [];
      }),
    );
  }

  /** Of the keys that are there, those that would stay for ever. */
  async withoutTtl(keys: readonly string[]): Promise<readonly string[]> {
    const ttls = await this.ask(keys, (pipeline, key) => pipeline.pttl(key));
    return keys.filter((_, i) => ttls[i] === -1);
  }

  /** What nobody will take away, but for locks, which end with their leases. */
  async remains(): Promise<readonly string[]> {
    const all = await Promise.all(this.clients.map((client) => serverRemains(client, this.namespace)));
    return all.flat().filter((what) => !what.startsWith('field '));
  }

  close(): void {
    for (const client of this.clients) client.disconnect();
  }

  /** One answer for each entry, in order, with one message to each master. */
  private async ask(
    keys: readonly string[],
    command: (pipeline: ChainableCommander, key: string) => unknown,
  ): Promise<readonly unknown[]> {
    const pipelines = this.clients.map((client) => client.pipeline());
    const places = keys.map((key) => {
      const slot = hashSlot(key);
      const master = pipelines.findLastIndex((_, i) => slot >= Math.floor((SLOTS * i) / pipelines.length));
      const pipeline = pipelines[master]!;
      command(pipeline, `${this.namespace}:e:${key}`);
      return { master, index: pipeline.length - 1 };
    });
    const answers = await Promise.all(pipelines.map(async (pipeline) => (await pipeline.exec()) ?? []));
    return places.map(({ master, index }) => {
      const [error, answer] = answers[master]![index]!;
      if (error) throw error;
      return answer;
    });
  }
}
