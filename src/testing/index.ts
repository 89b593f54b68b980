export { MemoryBackend, type MemoryBackendOptions } from '../memory/memory-backend.js';
export { ManualClock } from './manual-clock.js';
export { storeConformanceCases } from './store-conformance/store-conformance.js';
export type { StoreConformanceCase, StoreHarness } from './store-conformance/store-harness.js';
