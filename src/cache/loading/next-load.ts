/**
 * Lets calls share a load that has not begun when they ask: one of a key runs, and whoever comes meanwhile shares the next. So nobody
 * gets what was loaded before its own call.
 */
export class NextLoad<T> {
  private readonly running = new Map<string, Promise<T>>();
  private readonly waiting = new Map<string, Promise<T>>();

  /** @throws what `load` throws; the next one begins all the same */
  run(key: string, load: () => Promise<T>): Promise<T> {
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) return waiting;
    const running = this.running.get(key);
    if (running === undefined) return this.begin(key, load);
    const next = (): Promise<T> => {
      this.waiting.delete(key);
      return this.begin(key, load);
    };
    const turn = running.then(next, next);
    this.waiting.set(key, turn);
    return turn;
  }

  private begin(key: string, load: () => Promise<T>): Promise<T> {
    const loading = load().finally(() => this.running.delete(key));
    this.running.set(key, loading);
    return loading;
  }
}
