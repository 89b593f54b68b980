export { ManualClock } from './manual-clock.js';
export { storeConformanceCases } from './store-conformance/store-conformance.js';
