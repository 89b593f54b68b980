import type { Cluster, Redis } from 'ioredis';
import type { ErrorSink } from '../../base/error-sink.js';
import type { EntryListener } from '../../store/entry-changes.js';
import type { KeySpace } from '../../store/key-space.js';
import type { CommandRunner } from '../commands/command-runner.js';
import type { Inbox } from '../connection/inbox.js';
import { readChanges } from './entry-message.js';
import { Watch } from './watch.js';

interface Watcher {
  readonly listener: EntryListener;
  /** Its subscription is there. */
  isOpen: boolean;
}

/**
 * Changed entries for all watchers of a process, over one subscription that lasts from the first watcher to the last.
 */
export class EntryBus {
  private readonly watchers = new Set<Watcher>();
  private watch: Watch | undefined;

  constructor(
    private readonly runner: CommandRunner,
    private readonly inbox: Inbox,
    /** The client that the inbox listens with. */
    private readonly connection: Redis | Cluster,
    private readonly keys: KeySpace,
    private readonly report: ErrorSink,
  ) {}

  async add(listener: EntryListener): Promise<() => void> {
    // A wrapper of its own, so that a listener given twice is called twice and ends twice.
    const watcher = { listener, isOpen: false };
    this.watchers.add(watcher);
    const remove = (): void => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.close();
    };
    const watch = (this.watch ??= this.begin());
    try {
      await watch.listening;
    } catch (error) {
      if (this.watch === watch) this.close();
      remove();
      throw error;
    }
    watcher.isOpen = true;
    if (watch.isDown) this.call('down', [watcher], (each) => each.down());
    return remove;
  }

  /** Nobody hears of anything any more; whoever watches next begins anew. */
  close(): void {
    this.watch?.end();
    this.watch = undefined;
  }

  private begin(): Watch {
    const { runner, inbox, connection } = this;
    return new Watch(runner, inbox, connection, this.keys.entryChannel(), {
      message: (text) => this.hear(text),
      gap: () => this.call('gap', this.watchers, (each) => each.gap()),
      down: () => this.call('down', this.watchers, (each) => each.down()),
      silent: (error) => this.report(error, { during: 'entry bus' }),
    });
  }

  private hear(message: string): void {
    const changes = readChanges(message);
    if (changes === undefined) {
      // Of a newer version of this library, perhaps: something has changed.
      this.report(new Error('a message about changed entries cannot be read'), { during: 'entry bus' });
      this.call('gap', this.watchers, (each) => each.gap());
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
