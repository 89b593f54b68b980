/** A fault that takes any operation. */
type Passage = (run: () => Promise<unknown>) => Promise<unknown>;

/**
 * Stops one operation on its way until the test lets it pass: `store.next('commit', door.before)`.
 *
 * Everything that meets a closed gate waits; an open one lets all pass.
 */
export interface Gate {
  /** The request is on its way: the store has not heard of it. */
  readonly before: Passage;
  /** The answer is on its way: the store has done it. */
  readonly after: Passage;
  /** Resolves when the first operation stands before the gate. */
  readonly reached: Promise<void>;
  readonly open: () => void;
}

/** A closed gate. */
export function gate(): Gate {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const pass = (): Promise<void> => {
    reach();
    return opened;
  };
  return {
    before: async (run) => {
      await pass();
      return run();
    },
    after: async (run) => {
      const answer = await run();
      await pass();
      return answer;
    },
    reached,
    open: () => open(),
  };
}
