export { type InDoubtTransaction, TransactionAdmin } from './admin/transaction-admin.js';
export type { Duration } from './base/duration.js';
export {
  CacheTxnError,
  type CacheTxnErrorCode,
  type ErrorDetails,
  InvalidOptionsError,
  KeyTemplateError,
  LimitExceededError,
  LoadTimeoutError,
  LockLostError,
  LockTimeoutError,
  PreconditionFailedError,
  PreconditionRequiredError,
  ShuttingDownError,
  StoreReplyError,
  StoreTimeoutError,
  StoreUnavailableError,
  TransactionAbortedError,
  TransactionInDoubtError,
  TransactionRolledBackError,
  TransactionStateError,
  TransactionTimeoutError,
  VersionConflictError,
} from './base/errors.js';
export type { StoreBound } from './base/store-name.js';
export type { ParticipantTransaction, TransactionFate } from './commit/participants/participant.js';
export type { DatabaseContext, TransactionDatabase } from './commit/deciders/transaction-database.js';
export type { CacheStatistics } from './cache/cache-counters.js';
export type { CacheOperations, Entries } from './cache/cache-operations.js';
export type { CacheNamespace } from './cache/cache-namespace.js';
export type { CacheModuleOptions, LoadOptions, ReadOptions, TtlOf, WriteOptions } from './cache/cache.options.js';
export type { VersionOf } from './cache/floors.js';
export type { Validate } from './cache/validation.js';
export type { Evicted } from './cache/evictions.js';
export { CacheEvict, type CacheEvictOptions } from './cache/decorators/cache-evict.decorator.js';
export { CachePut, type CachePutOptions } from './cache/decorators/cache-put.decorator.js';
export { Cached, type CachedOptions } from './cache/decorators/cached.decorator.js';
export type { Codec } from './cache/codec/codec.js';
export { jsonCodec } from './cache/codec/json-codec.js';
export type { LoadedValues, Loader, ManyLoader } from './cache/loading/loader.js';
export type { NearCacheOptions } from './near/near-cache.options.js';
export type { PrincipalOptions } from './cache/decorators/principal.js';
export { TransactionalCache } from './cache/transactional-cache.js';
export type { CacheWarmer, WarmUpKeys } from './cache/warm-up/cache-warmer.js';
export { CacheWarmUp } from './cache/warm-up/cache-warm-up.js';
export type { WarmsCacheOptions, WarmUpModuleOptions, WarmUpOptions } from './cache/warm-up/warm-up.options.js';
export type { WarmUpState, WarmUpStatus } from './cache/warm-up/warm-up-status.js';
export { WarmsCache } from './cache/warm-up/warms-cache.decorator.js';
export { Locked } from './lock/locked.decorator.js';
export { CurrentLock, FenceToken, LockSignal } from './lock/lock-parameters.decorator.js';
export type { LockedOptions, LockModuleOptions, LockOptions } from './lock/lock.options.js';
export { LockService } from './lock/lock.service.js';
export type { Lock } from './lock/lock.js';
export { memoryStore, type MemoryStoreOptions } from './memory/memory-store.js';
export { CacheTxnModule } from './module/cache-txn.module.js';
export type {
  CacheTxnModuleAsyncOptions,
  CacheTxnModuleOptions,
  CacheTxnModuleShape,
  CacheTxnOptionsFactory,
} from './module/cache-txn.options.js';
export { CacheTxnErrorFilter } from './module/error-filter/cache-txn-error.filter.js';
export {
  getCacheTxnToken,
  InjectCacheWarmUp,
  InjectLockService,
  InjectTransactionAdmin,
  InjectRemoteParticipants,
  InjectTransactionalCache,
  InjectTransactionCoordinator,
  InjectVersionService,
} from './module/service-token.js';
export type { Call, Transport } from './pipeline/call.js';
export type { HttpExchange } from './pipeline/http-exchange.js';
export type { KeySource } from './pipeline/key-source.js';
export { redisStore } from './redis/redis-store.js';
export type {
  ReadReplicaOptions,
  RedisConnectionOptions,
  RedisStoreOptions,
  RedisStoreSettings,
} from './redis/redis-store.options.js';
export type { RemoteParticipant, RemoteTransaction } from './remote/remote-participant.js';
export { RemoteParticipants, type WhenCurrentOptions } from './remote/remote-participants.js';
export type { RemoteModuleOptions } from './remote/remote.options.js';
export { TransactionParticipant } from './remote/transaction-participant.decorator.js';
export { type EntryChange, type EntryListener, NO_VERSION } from './store/entry-changes.js';
export type {
  CommitOperation,
  CommitOutcome,
  CommitRequest,
  EntryReadOptions,
  EntryRecord,
  Expectation,
  LockGuard,
  Mismatch,
  ResolveOutcome,
  VersionStrategy,
} from './store/entry-operations.js';
export type { FillOutcome, FillRequest, LeaseEnd, LeaseOutcome, LeaseRequest } from './store/fill-operations.js';
export { DATABASE_DECIDES, type Intent } from './store/intent.js';
export type {
  CheckOperation,
  DecideOutcome,
  DecideRequest,
  Decision,
  DecisionQuestion,
  ListedTransaction,
  OpenTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
  StoredEntry,
  WriteOperation,
} from './store/intent-operations.js';
export type {
  AnswerOutcome,
  MemberAnswer,
  MemberLook,
  MemberOutcome,
  OpenRoll,
  RollAnswer,
  RollCall,
  RollCallOutcome,
  RollConclusion,
  RollHint,
  RollOutcome,
  RollState,
  UndecidedRoll,
  VotesComplete,
} from './store/member-operations.js';
export type {
  AcquireOutcome,
  AcquireRequest,
  Handover,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from './store/lock-operations.js';
export { CacheTxnStore, type StoreContext, type Unsubscribe } from './store/store.js';
export { CacheTxn, type CacheTxnOptions } from './txn/cache-txn.decorator.js';
export { CurrentTxn } from './txn/current-txn.decorator.js';
export type { Propagation } from './txn/propagation.js';
export type { Transaction, TransactionHook, TransactionOutcome } from './txn/transaction.js';
export { TransactionCoordinator } from './txn/transaction-coordinator.js';
export type {
  Isolation,
  RunWithRetryOptions,
  TransactionModuleOptions,
  TransactionOptions,
} from './txn/txn.options.js';
export { Versioned, type VersionedOptions } from './version/versioned.decorator.js';
export type { RetryOptions, VersionModuleOptions } from './version/version.options.js';
export { type CompareAndSetOptions, VersionService } from './version/version.service.js';
