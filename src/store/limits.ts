/** Hard limits of one operation; each bounds what one call can make the server do or hold (threats S08, S09, S18). */
export const LIMITS = {
  /** Bytes of a key or lock name, after escaping, without the namespace. */
  keyBytes: 512,
  /** Names of one lock. */
  lockNames: 128,
  /** Keys of one transaction, reads and writes together. */
  txnKeys: 128,
  /** Bytes of one encoded value. */
  valueBytes: 1_048_576,
  /** Levels of arrays and objects in one value: far below where `JSON.stringify` runs out of stack (about 4,000 in Node). */
  jsonDepth: 1_000,
  /** Bytes of all encoded values one transaction writes. */
  txnBytes: 8_388_608,
} as const;
