/** What the failing piece was doing, for the log. */
export interface ErrorOrigin {
  readonly during: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Takes errors that belong to no caller: a failed renewal, an `afterCommit` hook that threw, a lost subscription.
 * It must not throw.
 */
export type ErrorSink = (error: unknown, origin: ErrorOrigin) => void;
