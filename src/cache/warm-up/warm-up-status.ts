/**
 * `waiting`: not begun, or held up because the store is away. `running`: this node warms. `elsewhere`: another node warms. `done`: it has been
 * warmed, by whichever node. `failed`: the warmer failed; see `error`.
 */
export type WarmUpState = 'waiting' | 'running' | 'elsewhere' | 'done' | 'failed';

/** How far the warm-up of a name is, as this node knows; safe to show, as JSON too. */
export interface WarmUpStatus {
  readonly name: string;
  readonly state: WarmUpState;
  /** Whether {@link CacheWarmUp.isReady} waits for it. */
  readonly isRequired: boolean;
  /** Who warms, or has: undefined before that is known. */
  readonly by?: 'this node' | 'another node';
  /** Keys of the last run that are cached, or have no value. Of another node: once it is done. */
  readonly warmed: number;
  /** How many values this node has loaded for that; the others were cached. */
  readonly loaded: number;
  /** How many keys there are, where that is known before the end. */
  readonly total?: number;
  /** How long this node's last run has taken, or takes until now, in milliseconds. */
  readonly tookMs?: number;
  /** The message of what went wrong last, until it has gone well. */
  readonly error?: string;
}
