import type { Clock } from '../../base/clock.js';

/** A line at every tenth of the way, or after so long, whichever comes first; */
const LINE_EVERY_MS = 5_000;
/** but no sooner after the last one than this: a warm-up of a moment has a line at its start and one at its end. */
const LINE_AFTER_MS = 1_000;

/** Counts the keys of one run, and tells how far it is. */
export class WarmUpProgress {
  warmed = 0;
  loaded = 0;
  private readonly startedMs: number;
  private toldMs: number;
  private toldTenth = 0;

  constructor(
    private readonly name: string,
    readonly total: number | undefined,
    private readonly clock: Clock,
    private readonly inform: (message: string) => void,
  ) {
    this.startedMs = this.toldMs = clock.now();
    this.tell(`starts${total === undefined ? '' : `, ${total} keys`}`);
  }

  get tookMs(): number {
    return Math.round(this.clock.now() - this.startedMs);
  }

  /** Keys more are in the cache, or have no value; so many of them were loaded. */
  add(keys: number, loaded: number): void {
    this.warmed += keys;
    this.loaded += loaded;
    const sinceMs = this.clock.now() - this.toldMs;
    const tenth = this.total === undefined ? 0 : Math.floor((10 * this.warmed) / this.total);
    const isDue = sinceMs >= LINE_EVERY_MS || (tenth > this.toldTenth && sinceMs >= LINE_AFTER_MS);
    if (!isDue) return;
    this.toldMs = this.clock.now();
    this.toldTenth = tenth;
    const { total, warmed } = this;
    const of = total === undefined ? '' : ` of ${total} (${Math.floor((100 * warmed) / total)} %)`;
    this.tell(`${warmed}${of} keys, ${this.perSecond()} a second`);
  }

  end(): void {
    this.tell(`done, ${this.warmed} keys in ${this.tookMs} ms, ${this.loaded} loaded`);
  }

  private perSecond(): number {
    return Math.round((1_000 * this.warmed) / Math.max(1, this.tookMs));
  }

  private tell(what: string): void {
    this.inform(`warm-up ${this.name}: ${what}`);
  }
}
