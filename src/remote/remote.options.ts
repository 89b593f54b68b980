import { type Duration, toMs } from '../base/duration.js';
import type { OptionNames } from '../base/option-checks.js';

/** Options of `forRoot({ remote })`. */
export interface RemoteModuleOptions {
  /**
   * How long a node that is gone holds up the transactions of its participants; a node that cannot renew within it leaves before it ends, and
   * joins again. Default `'3s'`; 300 ms to 1 minute.
   */
  readonly lease?: Duration;
}

/** The options of `forRoot({ remote })`. */
export const REMOTE_MODULE_OPTIONS: OptionNames<RemoteModuleOptions> = { lease: true };

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function memberLeaseMs({ lease = '3s' }: RemoteModuleOptions): number {
  return toMs(lease, 'remote.lease', { min: 300, max: 60_000 });
}
