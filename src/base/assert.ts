/** Thrown when the library's own reasoning is wrong; never an expected outcome and never caught inside. */
export class AssertionError extends Error {
  override readonly name = 'CacheTxnAssertionError';
}

/** States a fact the code relies on; a false one is a bug of this library, reported as {@link AssertionError}. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(`nestjs-cache-txn bug: ${message}`);
}

/** The value, which the caller knows to be present. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}
