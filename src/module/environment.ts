import { Logger, type ValueProvider } from '@nestjs/common';
import { type Clock, systemClock } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import { type Random, systemRandom } from '../base/random.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';

/** Clock, chance and log of a module; a testing module puts its own in their place. */
export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  /** Takes errors that belong to no call. */
  readonly report: ErrorSink;
  readonly warn: (message: string) => void;
  /** Takes what is worth a line and no worry. */
  readonly inform: (message: string) => void;
}

/** Injection token of the {@link Environment}. */
export const ENVIRONMENT = Symbol('nestjs-cache-txn environment');

/** The machine's clock and chance, and Nest's log: one line an event, no value and no token. */
export function environmentProvider(storeName: string): ValueProvider<Environment> {
  const logger = new Logger(storeName === DEFAULT_STORE_NAME ? 'CacheTxn' : `CacheTxn ${storeName}`);
  const environment: Environment = {
    clock: systemClock,
    random: systemRandom,
    report: (error, { during, details }) => {
      const message = error instanceof Error ? error.message : String(error);
      logger.warn(`${during}: ${message}${details ? ` ${JSON.stringify(details)}` : ''}`);
    },
    warn: (message) => {
      logger.warn(message);
    },
    inform: (message) => {
      logger.log(message);
    },
  };
  return { provide: ENVIRONMENT, useValue: environment };
}
