import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { FailingCluster, kill } from './failing-cluster.js';
import { COMMAND_MS } from './failover-scene.js';
import { startMember, type Member } from './member.js';

/** In the slots of the first, the second and the third master. */
const TAGS = ['b', 'c', 'a'] as const;

describe('a cluster that has lost a master', () => {
  let cluster: FailingCluster;
  let member: Member;
  const [tag, otherTag] = TAGS;
  const slot = (): number => member.store.slotOf('lock', `{${tag}}`);

  beforeAll(async () => {
    // Slots without a master are the business of those who need them.
    cluster = await FailingCluster.start({ args: ['--cluster-require-full-coverage', 'no'] });
    member = await startMember('ann', 'lost-node', { ...clusterStoreOptions(cluster), commandTimeout: COMMAND_MS });
  }, 60_000);

  afterAll(async () => {
    await member.stop();
    await cluster.stop();
  });

  it('G40: tells that a call was not sent, and that it may be made again, until the replica has taken over (F15)', async () => {
    const { cache, locks, coordinator } = member;
    await cache.set(`{${tag}}:key`, 'before');
    const { master, replica } = await cluster.shard(slot());
    replica.pause();
    await kill(master);
    const refused = { code: 'STORE_UNAVAILABLE', retryable: true };
    // The first ones may have been under way when it died.
    await eventually(() => expect(cache.get(`{${tag}}:key`)).rejects.toMatchObject(refused));
    await expect(cache.get(`{${tag}}:key`)).rejects.toMatchObject(refused);
    await expect(locks.tryAcquire(`{${tag}}:lock`)).rejects.toMatchObject(refused);
    const commit = coordinator.run(() => cache.set(`{${tag}}:key`, 'meanwhile'));
    await expect(commit).rejects.toMatchObject(refused);
    await expect(cache.set(`{${otherTag}}:key`, 'elsewhere')).resolves.toBeUndefined();

    replica.resume();
    await eventually(() => cache.set(`{${tag}}:key`, 'after'), { what: 'the new master', withinMs: 15_000 });
    // It may still hear from a node that knows of no new master, and then says that it has not sent.
    const entry = await eventually(async () => ({ value: await cache.get(`{${tag}}:key`) }));
    expect(entry.value).toBe('after');
    await cluster.heal();
  }, 60_000);

  it('G6: tells its waiters to ask again, because its subscription may have been on that node (F15)', async () => {
    let gaps = 0;
    member.store.onHandoverGap(() => (gaps += 1));
    const { master, replica } = await cluster.shard(slot());
    await kill(master);
    await eventually(() => gaps > 0, { what: 'the gap', withinMs: 10_000 });
    await cluster.promotionOf(replica);
    await cluster.heal();
  }, 60_000);
});
