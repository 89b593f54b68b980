import type { ErrorSink } from '../../src/base/error-sink.js';

/** Forgets everything. */
export const silentSink: ErrorSink = () => undefined;
