import { InvalidOptionsError } from '../base/errors.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import { CACHE_MODULE_OPTIONS } from '../cache/cache.options.js';
import { checkPrincipal } from '../cache/decorators/principal.js';
import { WARM_UP_OPTIONS } from '../cache/warm-up/warm-up.options.js';
import { resolveNearOptions } from '../near/near-cache.options.js';
import { LOCK_MODULE_OPTIONS } from '../lock/lock.options.js';
import { REMOTE_MODULE_OPTIONS } from '../remote/remote.options.js';
import { TXN_MODULE_OPTIONS } from '../txn/txn.options.js';
import { VERSION_MODULE_OPTIONS } from '../version/version.options.js';
import type { CacheTxnModuleOptions, CacheTxnModuleShape } from './cache-txn.options.js';

const OPTIONS: OptionNames<CacheTxnModuleOptions> = {
  store: true,
  namespace: true,
  lock: true,
  txn: true,
  version: true,
  cache: true,
  remote: true,
  shutdownGrace: true,
};

const SHAPE: OptionNames<CacheTxnModuleShape> = { name: true, isGlobal: true, errorFilter: true };

/**
 * Refuses options of a module that do not exist, wherever they come from.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function checkModuleOptions(options: CacheTxnModuleOptions): void {
  const misplaced = Object.keys(Object(options) as object).find((name) => Object.hasOwn(SHAPE, name));
  if (misplaced !== undefined) {
    throw new InvalidOptionsError(
      `forRootAsync: '${misplaced}' is not for the factory to decide; give it beside useFactory, useClass or useExisting`,
      { details: { option: misplaced } },
    );
  }
  onlyOptions(options, OPTIONS, 'CacheTxnModule');
  const { store, lock = {}, txn = {}, version = {}, cache = {}, remote = {} } = options;
  onlyOptions(lock, LOCK_MODULE_OPTIONS, 'lock');
  onlyOptions(txn, TXN_MODULE_OPTIONS, 'txn');
  onlyOptions(version, VERSION_MODULE_OPTIONS, 'version');
  onlyOptions(cache, CACHE_MODULE_OPTIONS, 'cache');
  checkPrincipal(cache, 'cache.principal');
  if (cache.near !== undefined && typeof cache.near !== 'boolean') resolveNearOptions(cache.near);
  onlyOptions(cache.warmUp ?? {}, WARM_UP_OPTIONS, 'cache.warmUp');
  onlyOptions(remote, REMOTE_MODULE_OPTIONS, 'remote');
  if (store !== undefined && typeof (store as { readonly start?: unknown } | null)?.start !== 'function') {
    throw new InvalidOptionsError('store: give what redisStore({ … }) or memoryStore() makes', {
      details: { option: 'store' },
    });
  }
  const { database } = txn as { readonly database?: { readonly resolve?: unknown } | null };
  if (database !== undefined && typeof database?.resolve !== 'function') {
    throw new InvalidOptionsError(
      'txn.database: give what pgTransactional(pool) or postgresMarkers(pool) makes, not a pool or a URL',
      {
        details: { option: 'txn.database' },
      },
    );
  }
}
