import { eventually } from '../../support/eventually.js';
import type { RedisServer } from '../../support/servers/redis-server.js';
import { startSentinelGroup, type SentinelGroup } from '../../support/servers/sentinel-group.js';
import { isInStep, isMaster, kill, tell } from '../cluster/failing-cluster.js';
import type { FailingServers } from '../cluster/failover-scene.js';

/** A sentinel takes ten seconds to tell an old master that it is none any more. */
const HEALED_WITHIN_MS = 30_000;

/** A master and a replica behind a sentinel, which a test exchanges and kills. */
export class FailingSentinelGroup implements FailingServers {
  private members: readonly [RedisServer, RedisServer];

  private constructor(readonly group: SentinelGroup) {
    this.members = [group.master, group.replica];
  }

  static async start(): Promise<FailingSentinelGroup> {
    return new FailingSentinelGroup(await startSentinelGroup({ downAfterMs: 500 }));
  }

  get servers(): readonly RedisServer[] {
    return this.members;
  }

  /** What the sentinel says; both have to be known to it. */
  async roles(): Promise<{ readonly master: RedisServer; readonly replica: RedisServer }> {
    const port = await this.group.masterPort();
    const [one, other] = this.members;
    return one.port === port ? { master: one, replica: other } : { master: other, replica: one };
  }

  /** SENTINEL FAILOVER: the old master lives, and goes on as one until the sentinel reaches it. */
  async failOver(): Promise<void> {
    await this.group.failOver();
  }

  async killMaster(): Promise<void> {
    const { master, replica } = await this.roles();
    await kill(master);
    await eventually(() => isMaster(replica), { what: 'the promotion of the replica', withinMs: HEALED_WITHIN_MS });
  }

  async heal(): Promise<void> {
    const [one, other] = this.members;
    this.members = [await this.revived(one), await this.revived(other)];
    await eventually(
      async () => {
        const { master, replica } = await this.roles();
        const state = String(await tell(replica, 'INFO', 'replication'));
        return (await isMaster(master)) && state.includes('master_link_status:up') && (await isInStep(master, replica));
      },
      { what: 'one master with a replica in step', withinMs: HEALED_WITHIN_MS, everyMs: 50 },
    );
  }

  async stop(): Promise<void> {
    await this.group.stop();
  }

  private async revived(server: RedisServer): Promise<RedisServer> {
    return server.hasEnded() ? this.group.restart(server) : server;
  }
}
