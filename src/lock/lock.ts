/** A held lock, as its holder sees it. */
export interface Lock {
  /** The names, as asked for. */
  readonly names: readonly string[];
  /** The secret that proves ownership to the store; do not log it. */
  readonly token: string;
  /**
   * Larger than the fence of every earlier holder of each name. Hand it to whatever the lock protects outside this
   * library, and let that refuse smaller ones.
   */
  readonly fence: number;
  /**
   * Aborts, with a `LockLostError`, before anybody else can own the lock: at the end of the lease by this process's
   * own clock, or as soon as the store says that it is lost. Around a method with `@Locked` it also aborts when the
   * client leaves; the lock is then held until the method has settled.
   */
  readonly signal: AbortSignal;
  /** Whether the lock is held right now; compares the clock itself, so it is right even when the event loop was blocked. */
  isHeld(): boolean;
  /** @throws LockLostError `LOCK_LOST` unless {@link isHeld} */
  assertHeld(): void;
  /**
   * Gives the lock back, once; further calls answer the same. Never throws.
   * `lost`: it was no longer held. `unknown`: the store did not answer; the lock ends with its lease.
   */
  release(): Promise<'released' | 'lost' | 'unknown'>;
  [Symbol.asyncDispose](): Promise<void>;
}
