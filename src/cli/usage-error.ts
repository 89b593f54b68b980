/** The command was called wrongly: its caller gets the message and a hint at `--help`, and exit code 2. */
export class UsageError extends Error {}

/** Runs what refuses bad values; its refusal is then the caller's mistake. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
