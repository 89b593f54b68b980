import { InvalidOptionsError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { shownAs } from '../base/shown-as.js';
import type { CommitOutcome, CommitRequest, EntryRecord, ResolveOutcome } from '../store/entry-operations.js';
import { KeySpace } from '../store/key-space.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../store/lock-operations.js';
import { CacheTxnStore, type StoreContext, type Unsubscribe } from '../store/store.js';
import { fitsGlob } from './glob.js';
import type { Caller } from './lock-state.js';
import { MemoryBackend, type MemoryBackendOptions } from './memory-backend.js';
import type { MemorySlot } from './memory-slot.js';
import type { Instant } from './server-time.js';

/** Settings of an embedded server of its own, or the one shared with other stores. */
export type MemoryStoreOptions = MemoryBackendOptions | { readonly backend: MemoryBackend };

/**
 * A store inside this process: nothing to install, nothing survives the process. It keeps every rule the Redis store
 * keeps and is the model that store is tested against.
 *
 * One object belongs to one module at a time; after `stop` it may be started again and has its data still. Several
 * modules share data through one {@link MemoryBackend}.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function memoryStore(options: MemoryStoreOptions = {}): CacheTxnStore {
  return new MemoryStore('backend' in options ? options.backend : new MemoryBackend(options));
}

/** What exists between `start` and `stop`. */
interface Session {
  readonly slot: MemorySlot;
  readonly caller: Caller;
  readonly closeInbox: Unsubscribe;
}

class MemoryStore extends CacheTxnStore {
  private session: Session | undefined;
  private readonly listeners = new Set<(handover: Handover) => void>();

  constructor(private readonly backend: MemoryBackend) {
    super();
  }

  async start({ namespace, processLabel, report }: StoreContext): Promise<void> {
    if (this.session !== undefined) {
      throw new InvalidOptionsError(
        'this memoryStore() object is started already; give each module its own, and share data with memoryStore({ backend })',
        { details: { option: 'store', namespace } },
      );
    }
    const slot = this.backend.slot(new KeySpace(namespace).namespace);
    const { inbox, close } = this.backend.openInbox((handover) => this.announce(handover, report));
    this.session = { slot, caller: { inbox, label: processLabel }, closeInbox: close };
  }

  async stop(): Promise<void> {
    this.session?.closeInbox();
    this.session = undefined;
  }

  /** Everything is one slot. */
  slotOf(): number {
    return 0;
  }

  acquireLocks(request: AcquireRequest): Promise<AcquireOutcome> {
    return this.step(({ slot, caller }, now) => slot.locks.acquire(request, caller, now));
  }

  renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    return this.step(({ slot }, now) => requests.map((request) => slot.locks.renew(request, now)));
  }

  releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.step(({ slot }, now) => slot.locks.release(request, now));
  }

  forceReleaseLock(name: string, fence?: number): Promise<boolean> {
    return this.step(({ slot }, now) => slot.locks.forceRelease(name, fence, now));
  }

  inspectLock(name: string): Promise<LockInfo | null> {
    return this.step(({ slot }, now) => slot.locks.inspect(name, now));
  }

  async *listLocks(pattern: string): AsyncIterable<LockInfo> {
    const names = await this.step(({ slot }) => slot.locks.names());
    for (const name of names) {
      if (!fitsGlob(name, pattern)) continue;
      const info = await this.inspectLock(name);
      if (info !== null) yield info;
    }
  }

  onHandover(listener: (handover: Handover) => void): Unsubscribe {
    // A wrapper of its own, so that a listener given twice is called twice and ends twice.
    const entry = (handover: Handover): void => {
      listener(handover);
    };
    this.listeners.add(entry);
    return () => {
      this.listeners.delete(entry);
    };
  }

  /** Never calls: inside one process no hint is lost. */
  onHandoverGap(): Unsubscribe {
    return () => undefined;
  }

  readEntries(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    return this.step(({ slot }, now) => keys.map((key) => slot.entries.read(key, now)));
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.step(({ slot }, now) => slot.commit(request, now));
  }

  resolveCommit({ txnId }: CommitRequest): Promise<ResolveOutcome> {
    return this.step(({ slot }, now) => slot.resolve(txnId, now));
  }

  private announce(handover: Handover, report: ErrorSink): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(handover);
      } catch (error) {
        report(error, { during: 'hand-over listener', details: { name: handover.name } });
      }
    }
  }

  /** Runs one operation in one step, at one instant, before it returns; what it throws becomes a rejection. */
  private async step<T>(operation: (session: Session, now: Instant) => T): Promise<T> {
    if (this.session === undefined) {
      throw new StoreUnavailableError('the memory store is not started, or stopped already');
    }
    return operation(this.session, this.backend.tick());
  }
}

shownAs(MemoryStore, () => ({}));
