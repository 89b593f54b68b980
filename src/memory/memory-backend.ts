import { InvalidOptionsError } from '../base/errors.js';
import { LIMITS } from '../store/limits.js';
import type { Handover } from '../store/lock-operations.js';
import type { Unsubscribe } from '../store/store.js';
import type { Delivery } from './lock-state.js';
import { MemorySlot } from './memory-slot.js';
import { ServerTime, systemTimeUs, type Instant, type TimeUs } from './server-time.js';

/** Settings of the embedded server. */
export interface MemoryBackendOptions {
  /**
   * Entries of one namespace; beyond it the least recently used one is evicted. At least 128, so that one transaction
   * fits. Default 100,000: at 1 KiB a value it stays near 100 MiB. Locks do not count and are never evicted.
   */
  readonly maxEntries?: number;
  /** Server time in microseconds since 1970, never going back. Default: the date at start plus the monotonic time since. */
  readonly timeUs?: TimeUs;
}

const DEFAULT_MAX_ENTRIES = 100_000;

/**
 * The embedded server: what several memory stores share when tests play several processes.
 *
 * It has no timer and nothing to close.
 */
export class MemoryBackend {
  private readonly maxEntries: number;
  private readonly time: ServerTime;
  private readonly slots = new Map<string, MemorySlot>();
  private readonly inboxes = new Map<string, (handover: Handover) => void>();
  private inboxesOpened = 0;

  /** @throws InvalidOptionsError `INVALID_OPTIONS` when `maxEntries` is not a whole number of at least 128 */
  constructor({ maxEntries = DEFAULT_MAX_ENTRIES, timeUs = systemTimeUs }: MemoryBackendOptions = {}) {
    if (!Number.isSafeInteger(maxEntries) || maxEntries < LIMITS.txnKeys) {
      throw new InvalidOptionsError(
        `maxEntries: ${maxEntries} must be a whole number of at least ${LIMITS.txnKeys}, the keys of one transaction`,
        {
          details: { option: 'maxEntries', maxEntries, min: LIMITS.txnKeys },
        },
      );
    }
    this.maxEntries = maxEntries;
    this.time = new ServerTime(timeUs);
  }

  /** The instant of one operation. */
  tick(): Instant {
    return this.time.tick();
  }

  /** The data of `namespace`, the same for every store. */
  slot(namespace: string): MemorySlot {
    let slot = this.slots.get(namespace);
    if (slot === undefined) {
      slot = new MemorySlot(this.maxEntries, (delivery) => {
        this.deliver(delivery);
      });
      this.slots.set(namespace, slot);
    }
    return slot;
  }

  /** Opens an inbox for the hand-overs of one process. */
  openInbox(listener: (handover: Handover) => void): { readonly inbox: string; readonly close: Unsubscribe } {
    this.inboxesOpened += 1;
    const inbox = String(this.inboxesOpened);
    this.inboxes.set(inbox, listener);
    return {
      inbox,
      close: () => {
        this.inboxes.delete(inbox);
      },
    };
  }

  /** A hint arrives after the operation that caused it, as from a real server; a closed inbox loses it. */
  private deliver({ inbox, handover }: Delivery): void {
    queueMicrotask(() => this.inboxes.get(inbox)?.(handover));
  }
}
