/** `ok`: as it should be. `warn`: it works, and costs something. `wrong`: locks or commits fail, or promise less than they say. */
export type Level = 'ok' | 'warn' | 'wrong';

/** One thing that was looked at: what it is, what it means, what to do. */
export interface Finding {
  readonly level: Level;
  /** Which server, or the cluster. */
  readonly where: string;
  /** One word for what was looked at. */
  readonly what: string;
  readonly text: string;
}

/** Finds something about one server. */
export type Find = (level: Level, what: string, text: string) => Finding;

export function findingsAt(where: string): Find {
  return (level, what, text) => ({ level, where, what, text });
}
