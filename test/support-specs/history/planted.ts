import type { HistoryEvent, Outcome } from '../../support/history/event.js';

/** Histories by hand: the n-th event happens at n ms unless it says otherwise. */
export class Planted {
  readonly events: HistoryEvent[] = [];

  add(event: Record<string, unknown> & { readonly kind: HistoryEvent['kind'] }): this {
    this.events.push({ atMs: this.events.length, actor: 'ann', ...event } as HistoryEvent);
    return this;
  }

  /** A call that begins and settles. */
  call(op: string, action: string, outcome: Outcome, code?: string): this {
    return this.add({ kind: 'begin', op, action, withinMs: 100 }).add({ kind: 'settle', op, outcome, code });
  }

  /** A lock that is held from `fromMs` to `toMs`. */
  hold(hold: string, fence: number, fromMs: number, toMs: number, more: Record<string, unknown> = {}): this {
    const { askedAtMs = fromMs, answer = 'released' } = more;
    return this.add({ kind: 'granted', hold, name: 'seat', fence, askedAtMs, atMs: fromMs })
      .add({ kind: 'releasing', hold, atMs: toMs })
      .add({ kind: 'released', hold, answer, atMs: toMs + 1 });
  }

  pair(left: string | null, right: string | null, version?: number): this {
    return this.add({ kind: 'pair-read', pair: 'p', left, right, version });
  }

  guarded(seq: number, fence: number, isAccepted = true, op = `w${seq}`): this {
    return this.add({ kind: 'guarded-write', resource: 'register', seq, fence, op, isAccepted });
  }

  version(version: number, askedAtMs: number, atMs: number): this {
    return this.add({ kind: 'version-seen', key: 'k', version, askedAtMs, atMs });
  }
}
