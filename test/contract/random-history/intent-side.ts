import { DATABASE_DECIDES, type Intent } from '../../../src/store/intent.js';
import type { PrepareOutcome, PrepareRequest, WriteOperation } from '../../../src/store/intent-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import type { Length } from './history.js';
import type { IntentStep, SettleStep, WriteDraft } from './intent-steps.js';

/** What the steps need of the side that they are played on. */
export interface SideView {
  readonly tag: string;
  readonly storeOf: (who: number) => CacheTxnStore;
  readonly key: (index: number) => string;
  readonly bare: (key: string) => string;
  readonly presentVersion: (key: number) => number;
  readonly placeVersion: (version: number) => unknown;
  readonly lengthMs: (length: Length | 'none') => number;
  readonly describeTime: (ms: number) => string;
  readonly describeRefusal: (outcome: Exclude<PrepareOutcome, { kind: 'prepared' }>) => unknown;
}

/** Plays loads, and transactions that a database decides, on one server. */
export class IntentSide {
  private readonly prepares: { readonly request: PrepareRequest; versions?: readonly number[] }[] = [];
  private fills = 0;
  private readonly seen = new Map<number, number>();

  constructor(private readonly view: SideView) {}

  async answer(step: IntentStep): Promise<unknown> {
    const { key, lengthMs, placeVersion, storeOf } = this.view;
    switch (step.kind) {
      case 'lease': {
        const asking = { key: key(step.key), token: tokenOf(step.who), leaseMs: lengthMs(step.lease) };
        const replaces = step.isAnew ? this.seen.get(step.key) : undefined;
        const outcome = await storeOf(step.who).leaseFill({ ...asking, ...(replaces !== undefined && { replaces }) });
        if (outcome.kind === 'hit') {
          this.seen.set(step.key, outcome.version);
          return { ...outcome, version: placeVersion(outcome.version) };
        }
        if (outcome.kind === 'busy') return { ...outcome, remainingMs: this.view.describeTime(outcome.remainingMs) };
        if (outcome.kind === 'leased') return outcome;
        const beside = { ...outcome.beside, version: placeVersion(outcome.beside.version) };
        return { ...outcome, intent: this.describeIntent(outcome.intent), beside };
      }
      case 'fill': {
        const value = `loaded ${(this.fills += 1)}`;
        const { strategy } = step;
        const request = { key: key(step.key), token: tokenOf(step.who), value, ttlMs: lengthMs(step.ttl), strategy };
        const outcome = await storeOf(step.who).fill(request);
        return outcome.kind === 'filled' ? { ...outcome, version: placeVersion(outcome.version) } : outcome;
      }
      case 'prepare': {
        const txnId = `${this.view.tag}-prepared-${this.prepares.length}`;
        const operations = step.operations.map((draft) => this.writeOf(draft, `value of ${txnId}`));
        const leftMs = lengthMs(step.left);
        this.prepares.unshift({
          request: { txnId, decider: DATABASE_DECIDES, operations, guards: [], leftMs, guardMs: 0 },
        });
        return this.prepare(0);
      }
      case 'prepare-again':
        return this.prepare(step.back);
      case 'settle':
        return this.settle(step);
      case 'ask': {
        const request = this.prepares[step.back]?.request;
        if (request === undefined) return 'nothing to ask for';
        const { txnId, operations } = request;
        const question = { txnId, decider: operations[0]?.key ?? '', deadlineMs: 1, isDecidedElsewhere: true };
        const { kind } = await storeOf(1).askDecision(question);
        return kind;
      }
    }
  }

  describeIntent({ anchor, decider, txnId }: Intent): unknown {
    return { anchor: this.view.bare(anchor), decider, txnId: txnId.slice(this.view.tag.length) };
  }

  private async prepare(back: number): Promise<unknown> {
    const prepare = this.prepares[back];
    if (prepare === undefined) return 'nothing to prepare';
    const outcome = await this.view.storeOf(0).prepare(prepare.request);
    if (outcome.kind !== 'prepared') return this.view.describeRefusal(outcome);
    prepare.versions = outcome.versions;
    return { ...outcome, versions: outcome.versions.map((version) => this.view.placeVersion(version)) };
  }

  private async settle({ back, verdict, isOwner, isFirstOnly, isRemembered }: SettleStep): Promise<unknown> {
    const prepare = this.prepares[back];
    if (prepare === undefined) return 'nothing to settle';
    const { txnId, operations } = prepare.request;
    const keys = operations.map(({ key }) => key).slice(0, isFirstOnly ? 1 : undefined);
    await this.view.storeOf(1).settle({
      ...{
        txnId,
        verdict,
        keys,
        anchor: keys[0] ?? '',
        rememberMs: this.view.lengthMs(isRemembered ? 'long' : 'none'),
      },
      ...(isOwner && prepare.versions && { versions: prepare.versions.slice(0, keys.length) }),
    });
    return verdict;
  }

  private writeOf({ key: index, kind, isExpecting, ttl, strategy }: WriteDraft, value: string): WriteOperation {
    const key = this.view.key(index);
    const expected = isExpecting && {
      expected: { kind: 'version', version: this.view.presentVersion(index) } as const,
    };
    if (kind === 'delete') return { kind, key, ...expected };
    const ttlMs = this.view.lengthMs(ttl);
    return kind === 'put'
      ? { kind, key, value, ttlMs, strategy, ...expected }
      : { kind, key, ttlMs, strategy, ...expected };
  }
}

function tokenOf(who: number): string {
  return `loader-${who}`;
}
