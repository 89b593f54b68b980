export { MemoryBackend, type MemoryBackendOptions } from '../memory/memory-backend.js';
export {
  committedWrites,
  expectCommitted,
  type ExpectedWrites,
  expectNothingCommitted,
  expectOnlyCommitted,
  type WithCommittedWrites,
} from './assertions/committed-writes.js';
export { expectHeld, expectNothingHeld, heldLocks, untilWaiting } from './assertions/held-locks.js';
export { CacheTxnTestingModule, type CacheTxnTestingShape } from './cache-txn-testing.module.js';
export { CommitLog, type CommittedWrite } from './commit-log.js';
export type { CustomFault, DisturbedCall, Fault, FaultKind, FaultSettings, StoreOperation } from './faults/fault.js';
export { FaultInjectingStore, type FaultInjectingStoreOptions } from './faults/fault-injecting-store.js';
export type { FaultRates, FaultTarget, RandomFaultOptions } from './faults/fault-plan.js';
export { type Gate, gate } from './faults/gate.js';
export { noScript, type ScriptFlusher } from './faults/no-script.js';
export type { StoreCall } from './faults/store-journal.js';
export { inTestWorld, type ProviderOverrides } from './in-test-world.js';
export { ManualClock } from './manual-clock.js';
export {
  MemoryDatabase,
  memoryDatabase,
  MemoryParticipant,
  memoryParticipant,
  type ParticipantCall,
} from './memory-participant.js';
export { storeConformanceCases } from './store-conformance/store-conformance.js';
export type { StoreConformanceCase, StoreHarness } from './store-conformance/store-harness.js';
export { type ProviderSource, storeOf } from './store-of.js';
export { TestWorld, type TestStoreOptions, type TestWorldOptions } from './test-world.js';
export { until, type UntilOptions } from './until.js';
