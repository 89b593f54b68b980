import type { Cluster, Redis } from 'ioredis';
import type { ErrorSink } from '../../base/error-sink.js';
import { type EntryListener, NO_VERSION } from '../../store/entry-changes.js';
import type { KeySpace } from '../../store/key-space.js';
import type { CommandRunner } from '../commands/command-runner.js';
import type { Inbox } from '../connection/inbox.js';
import { readChanges } from './entry-message.js';
import { Tracking } from './tracking.js';
import { Watch } from './watch.js';

interface Watcher {
  readonly listener: EntryListener;
  /** Its subscription is there. */
  isOpen: boolean;
}

/** The ways on which changes come, from the first watcher to the last. */
interface Ways {
  readonly watch: Watch;
  readonly tracking: Tracking | undefined;
  readonly listening: Promise<unknown>;
}

/**
 * Changed entries for all watchers of a process, over one subscription that lasts from the first watcher to the last; with tracking also
 * those that others than this library have changed. It is down while one of both is.
 */
export class EntryBus {
  private readonly watchers = new Set<Watcher>();
  private ways: Ways | undefined;

  constructor(
    private readonly runner: CommandRunner,
    private readonly inbox: Inbox,
    /** The client that the inbox listens with. */
    private readonly connection: Redis | Cluster,
    private readonly keys: KeySpace,
    private readonly report: ErrorSink,
    /** Makes the connection for tracking, where that is wanted. */
    private readonly openTracking?: () => Redis,
  ) {}

  async add(listener: EntryListener): Promise<() => void> {
    // A wrapper of its own, so that a listener given twice is called twice and ends twice.
    const watcher = { listener, isOpen: false };
    this.watchers.add(watcher);
    const remove = (): void => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.close();
    };
    const ways = (this.ways ??= this.begin());
    try {
      await ways.listening;
    } catch (error) {
      if (this.ways === ways) this.close();
      remove();
      throw error;
    }
    watcher.isOpen = true;
    if (this.isDown) this.call('down', [watcher], (each) => each.down());
    return remove;
  }

  /** Nobody hears of anything any more; whoever watches next begins anew. */
  close(): void {
    this.ways?.watch.end();
    this.ways?.tracking?.end();
    this.ways = undefined;
  }

  private get isDown(): boolean {
    return this.ways?.watch.isDown === true || this.ways?.tracking?.isDown === true;
  }

  private begin(): Ways {
    const { runner, inbox, connection } = this;
    const both = {
      // Not before the other way is there as well.
      gap: () => this.isDown || this.tellGap(),
      down: () => this.call('down', this.watchers, (each) => each.down()),
    };
    const watch = new Watch(runner, inbox, connection, this.keys.entryChannel(), {
      ...both,
      message: (text) => this.hear(text),
      silent: (error) => this.report(error, { during: 'entry bus' }),
    });
    const tracking = this.openTracking && this.track(this.openTracking(), both);
    return { watch, tracking, listening: Promise.all([watch.listening, tracking?.listening]) };
  }

  private track(connection: Redis, both: { readonly gap: () => void; readonly down: () => void }): Tracking {
    const prefix = this.keys.entry('');
    return new Tracking(this.runner, connection, prefix, {
      ...both,
      written: (serverKey) => {
        const change = { key: serverKey.slice(prefix.length), version: NO_VERSION };
        this.call(change.key, this.watchers, (each) => each.changed(change));
      },
      failed: (reason) => this.report(reason, { during: 'entry tracking' }),
    });
  }

  private tellGap(): void {
    this.call('gap', this.watchers, (each) => each.gap());
  }

  private hear(message: string): void {
    const changes = readChanges(message);
    if (changes === undefined) {
      // Of a newer version of this library, perhaps: something has changed.
      this.report(new Error('a message about changed entries cannot be read'), { during: 'entry bus' });
      this.tellGap();
      return;
    }
    for (const change of changes) this.call(change.key, this.watchers, (each) => each.changed(change));
  }

  private call(what: string, watchers: Iterable<Watcher>, tell: (listener: EntryListener) => void): void {
    for (const watcher of [...watchers]) {
      if (!watcher.isOpen || !this.watchers.has(watcher)) continue;
      try {
        tell(watcher.listener);
      } catch (error) {
        this.report(error, { during: 'entry listener', details: { what } });
      }
    }
  }
}
