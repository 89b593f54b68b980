export { type CacheTxnAdapterOptions, type Marker, withCacheTxn } from './with-cache-txn.js';
