/** A value that a loader has given. */
export interface Load {
  readonly key: string;
  readonly fromMs: number;
  /**
   * Whoever waits for the load may be given the value until the store is asked to publish it: nothing has been written to the key before, so that a
   * load of its own would find the same.
   */
  untilMs: number;
}
