/** The name of the module that was given none; decorators without `store` mean it. */
export const DEFAULT_STORE_NAME = 'default';

/** What every decorator takes. */
export interface StoreBound {
  /** The `name` of the `CacheTxnModule` whose store is meant. Default: the module without a name. */
  readonly store?: string;
}

/** The module that a decorator names. */
export function storeNameOf({ store = DEFAULT_STORE_NAME }: StoreBound): string {
  return store;
}
