import { eventually } from '../../support/eventually.js';
import type { Recorder } from '../../support/history/recorder.js';
import type { Cell } from './cells.js';
import type { DatabaseDoor } from './database-door.js';
import { ageMarkers, countMarkers, openSessions } from './database-view.js';
import type { CrashMember } from './member.js';
import type { ServersView } from './servers-view.js';

/** The lock of an owner that died lasts longer than it may decide: what the slots of a commit may take to prepare. */
const LOCKS_LAST_MS = 5_000;

/** What owners have left behind, when everything is over for longer than anybody may take. */
export class Remains {
  constructor(
    private readonly recorder: Recorder,
    /** What the owners do at last may just be on its way. */
    private readonly withinMs: number,
  ) {}

  async inStore(servers: ServersView, cells: readonly Cell[]): Promise<void> {
    const isClean = async (): Promise<boolean> => (await servers.remains()).length === 0;
    await eventually(isClean, { what: 'nothing to be left', withinMs: this.withinMs }).catch(async () => {
      for (const what of await servers.remains()) this.leftover(what);
    });
    for (const key of await servers.withoutTtl(cells.flatMap(({ keys }) => keys))) {
      this.leftover(`entry ${key}, which has lost its TTL`);
    }
  }

  /** @param begun transactions that may have left a marker, one each, until the time is over for which it is kept */
  async inDatabase({ db, pool }: DatabaseDoor, begun: number): Promise<void> {
    for (const what of await openSessions(pool, this.withinMs)) this.leftover(what);
    const markers = await countMarkers(pool);
    if (markers > begun) this.leftover(`${markers} markers of ${begun} transactions`);
    await ageMarkers(pool);
    await db.forgetOld();
    const kept = await countMarkers(pool);
    if (kept > 0) this.leftover(`${kept} markers that are out of date`);
  }

  async ofLocks({ locks }: CrashMember, cells: readonly Cell[]): Promise<void> {
    const withinMs = this.withinMs + LOCKS_LAST_MS;
    const check = async ({ lockName, name }: Cell): Promise<void> => {
      if (lockName === undefined) return;
      const isFree = async (): Promise<boolean> => (await locks.inspect(lockName)) === null;
      await eventually(isFree, { withinMs, everyMs: 100 }).catch(() => {
        this.leftover(`the lock of ${name}`);
      });
    };
    await Promise.all(cells.map(check));
  }

  private leftover(what: string): void {
    this.recorder.record({ kind: 'leftover', what });
  }
}
