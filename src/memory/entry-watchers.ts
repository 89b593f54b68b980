import type { EntryChange } from '../store/entry-changes.js';
import type { Unsubscribe } from '../store/store.js';

/** Who hears of changed entries of one namespace. Nothing is lost inside of a process, so there is neither gap nor silence. */
export class EntryWatchers {
  private readonly watchers = new Set<{ readonly hear: (change: EntryChange) => void }>();
  private noted: EntryChange[] = [];

  watch(listener: (change: EntryChange) => void): Unsubscribe {
    const entry = { hear: listener };
    this.watchers.add(entry);
    return () => {
      this.watchers.delete(entry);
    };
  }

  /** An operation that is under way has written the key. */
  note(key: string, version: number): void {
    if (this.watchers.size > 0) this.noted.push({ key, version });
  }

  /** The operation is done: whoever hears of it may start the next one. */
  tell(): void {
    if (this.noted.length === 0) return;
    const changes = this.noted;
    this.noted = [];
    for (const change of changes) {
      for (const watcher of [...this.watchers]) if (this.watchers.has(watcher)) watcher.hear(change);
    }
  }
}
