import { InvalidOptionsError } from '../base/errors.js';
import { onlyOptions, type OptionNames, wholeNumber } from '../base/option-checks.js';
import { LIMITS } from '../store/limits.js';
import type { LeaseEnd } from '../store/fill-operations.js';
import type { Handover } from '../store/lock-operations.js';
import type { Unsubscribe } from '../store/store.js';
import type { Delivery } from './lock-state.js';
import { EntryWatchers } from './entry-watchers.js';
import { MemorySlot } from './memory-slot.js';
import { MemorySpace } from './memory-space.js';
import { ServerTime, systemTimeUs, type Instant, type TimeUs } from './server-time.js';

/** What one process hears: hand-overs, and ends of the loads that it waits for. Neither throws. */
export interface MemoryInbox {
  handedOver(handover: Handover): void;
  leaseEnded(ended: LeaseEnd): void;
}

/** Settings of the embedded server. */
export interface MemoryBackendOptions {
  /**
   * How many slots keys and locks are spread over by their hash tags, as in a cluster; 1 to 16,384. What a transaction over
   * several of them goes through is then the same as there. Default 1.
   */
  readonly slots?: number;
  /**
   * Entries of one slot of one namespace; beyond it the least recently used one is evicted. At least 128, so that one
   * transaction fits. Default 100,000: at 1 KiB a value it stays near 100 MiB. Locks do not count and are never evicted.
   */
  readonly maxEntries?: number;
  /** Server time in microseconds since 1970, never going back. Default: the date at start plus the monotonic time since. */
  readonly timeUs?: TimeUs;
}

const OPTIONS: OptionNames<MemoryBackendOptions> = { slots: true, maxEntries: true, timeUs: true };

const DEFAULT_MAX_ENTRIES = 100_000;
const MAX_SLOTS = 16_384;

/**
 * The embedded server: what several memory stores share when tests play several processes.
 *
 * It has no timer and nothing to close.
 */
export class MemoryBackend {
  private readonly maxEntries: number;
  private readonly time: ServerTime;
  private readonly spaces = new Map<string, MemorySpace>();
  /** How many slots each namespace has. */
  readonly slots: number;
  private readonly inboxes = new Map<string, MemoryInbox>();
  private inboxesOpened = 0;

  /**
   * @throws InvalidOptionsError `INVALID_OPTIONS` when `maxEntries` is not a whole number of at least 128, or `slots` none of 1 to 16,384, and
   * for an option that does not exist
   */
  constructor(options: MemoryBackendOptions = {}) {
    onlyOptions(options, OPTIONS, 'memoryStore');
    const { maxEntries = DEFAULT_MAX_ENTRIES, slots = 1, timeUs = systemTimeUs } = options;
    if (!Number.isSafeInteger(maxEntries) || maxEntries < LIMITS.txnKeys) {
      throw new InvalidOptionsError(
        `maxEntries: ${maxEntries} must be a whole number of at least ${LIMITS.txnKeys}, the keys of one transaction`,
        {
          details: { option: 'maxEntries', maxEntries, min: LIMITS.txnKeys },
        },
      );
    }
    this.maxEntries = maxEntries;
    this.slots = wholeNumber(slots, 'memoryStore.slots', 1, MAX_SLOTS);
    this.time = new ServerTime(timeUs);
  }

  /** The instant of one operation. */
  tick(): Instant {
    return this.time.tick();
  }

  /** The data of `namespace`, the same for every store. */
  space(namespace: string): MemorySpace {
    let space = this.spaces.get(namespace);
    if (space === undefined) {
      const deliver = ({ inbox, handover }: Delivery): void => {
        this.deliver(inbox, (to) => to.handedOver(handover));
      };
      const tellWaiter = (inbox: string, token: string): void => {
        this.deliver(inbox, (to) => to.leaseEnded({ token }));
      };
      const watchers = new EntryWatchers();
      const noteChange = (key: string, version: number): void => {
        watchers.note(key, version);
      };
      const makeSlot = (): MemorySlot => new MemorySlot(this.maxEntries, deliver, noteChange, tellWaiter);
      const slots = Array.from({ length: this.slots }, makeSlot);
      space = new MemorySpace(slots, watchers);
      this.spaces.set(namespace, space);
    }
    return space;
  }

  /** Opens the inbox of one process. */
  openInbox(to: MemoryInbox): { readonly inbox: string; readonly close: Unsubscribe } {
    this.inboxesOpened += 1;
    const inbox = String(this.inboxesOpened);
    this.inboxes.set(inbox, to);
    return {
      inbox,
      close: () => {
        this.inboxes.delete(inbox);
      },
    };
  }

  /** A hint arrives after the operation that caused it, as from a real server; a closed inbox loses it. */
  private deliver(inbox: string, tell: (to: MemoryInbox) => void): void {
    queueMicrotask(() => {
      const to = this.inboxes.get(inbox);
      if (to !== undefined) tell(to);
    });
  }
}
