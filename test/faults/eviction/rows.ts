/** What one read may give, fixed when it begins. */
export interface Look {
  /** Judges what it gave: nothing, or the number of a row. */
  judge(how: string, n: number | undefined): void;
}

/**
 * The database behind a cache: rows of numbers that only grow, each changed together with an invalidation, and what that promises
 * to whoever reads through the cache.
 */
export class Rows {
  private readonly current = new Map<string, number>();
  private readonly promised = new Map<string, number>();
  private readonly latestVersion = new Map<string, number>();
  private readonly valueOf = new Map<string, number>();
  /** Everything that must not have happened. */
  readonly problems: string[] = [];

  get(key: string): number {
    return this.current.get(key) ?? 0;
  }

  /** Nobody may be given less, but for a message that is on its way. */
  promisedOf(key: string): number {
    return this.promised.get(key) ?? 0;
  }

  /** Changes the rows, then does what invalidates them; only when that has succeeded may nobody be given what was there before. */
  async change(keys: readonly string[], invalidate: () => Promise<unknown>): Promise<void> {
    const next = keys.map((key) => [key, this.get(key) + 1] as const);
    for (const [key, n] of next) this.current.set(key, n);
    await invalidate();
    for (const [key, n] of next) this.promised.set(key, n);
  }

  /** A read begins that must not be older than what was promised before. */
  look(key: string): Look {
    const least = this.promisedOf(key);
    return {
      judge: (how, n) => {
        if (n === undefined) return;
        if (n < least) this.problems.push(`${how} gave ${n} of ${key}, though ${least} was committed before it began`);
        if (n > this.get(key)) this.problems.push(`${how} gave ${n} of ${key}, where ${this.get(key)} is the newest`);
      },
    };
  }

  /** A read of a version begins: it must not be smaller than one seen before, nor stand for another value. */
  lookAtVersion(key: string): (version: number, n: number) => void {
    const least = this.latestVersion.get(key) ?? 0;
    return (version, n) => {
      if (version < least) this.problems.push(`the version of ${key} went back from ${least} to ${version}`);
      this.latestVersion.set(key, Math.max(version, this.latestVersion.get(key) ?? 0));
      const known = this.valueOf.get(`${key} ${version}`) ?? n;
      if (known !== n) this.problems.push(`version ${version} of ${key} stands for ${known} and for ${n}`);
      this.valueOf.set(`${key} ${version}`, n);
    };
  }
}
