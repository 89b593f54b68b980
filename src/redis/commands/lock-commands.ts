import { StoreTimeoutError, StoreUnavailableError } from '../../base/errors.js';
import type { KeySpace } from '../../store/key-space.js';
import type {
  AcquireOutcome,
  AcquireRequest,
  LockInfo,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../store/lock-operations.js';
import type { CommandRunner } from './command-runner.js';
import { mastersOf } from '../connection/connection.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';

/** Names in one renewal: keeps a script well under a millisecond. */
const RENEW_BATCH = 100;
const SCAN_COUNT = 500;

/** The lock operations of the port as scripts; see `scripts/lock-*.lua`. */
export class LockCommands {
  private readonly scripts = {
    acquire: loadScript('lock-acquire'),
    renew: loadScript('lock-renew'),
    release: loadScript('lock-release'),
    forceRelease: loadScript('lock-force-release'),
    inspect: loadScript('lock-inspect'),
  };

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    private readonly inboxChannel: string,
    private readonly slotOf: (serverKey: string) => number,
  ) {}

  async acquire({ names, token, leaseMs, claimMs, queueMs, maxWaiters }: AcquireRequest): Promise<AcquireOutcome> {
    const args = [token, this.inboxChannel, leaseMs, claimMs, Math.ceil(queueMs), maxWaiters, ...names];
    const reply = ReplyReader.of(
      await this.runner.script(this.scripts.acquire, this.lockKeys(names), args),
      'lock-acquire',
    );
    const kind = reply.text();
    switch (kind) {
      case 'acquired':
        return { kind, fence: reply.number() };
      case 'queued':
        return { kind, name: reply.item(names), remainingMs: reply.number(), fence: reply.number() };
      case 'busy':
        return { kind, name: reply.item(names), remainingMs: reply.number() };
      case 'full':
        return { kind, name: reply.item(names) };
      default:
        throw unexpected('lock-acquire', 'an outcome', kind);
    }
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    const outcomes = new Array<RenewOutcome>(requests.length).fill('unknown');
    const batches = inBatches(
      requests.map((request, index) => ({ request, index, key: this.keys.lock(request.name) })),
      this.slotOf,
    );
    const settled = Promise.all(
      batches.map(async (batch) => {
        const args = batch.flatMap(({ request }) => [request.token, Math.ceil(request.leaseMs), request.fence ?? 0]);
        const keys = batch.map(({ key }) => key);
        const answer = await this.runner.script(this.scripts.renew, keys, args).catch(unlessUnreachable);
        if (answer === undefined) return;
        const reply = ReplyReader.of(answer, 'lock-renew');
        for (const { index } of batch) outcomes[index] = reply.number() === 1 ? 'held' : 'lost';
      }),
    );
    // A lease may end while a method that blocks the event loop runs in this very turn.
    this.runner.sendNow();
    await settled;
    return outcomes;
  }

  async release({ names, token, minHoldMs = 0 }: ReleaseRequest): Promise<ReleaseOutcome> {
    const outcome = await this.runner.script(this.scripts.release, this.lockKeys(names), [token, minHoldMs, ...names]);
    if (outcome !== 'released' && outcome !== 'lost') throw unexpected('lock-release', 'released or lost', outcome);
    return outcome;
  }

  async forceRelease(name: string, fence: number | undefined): Promise<boolean> {
    const removed = await this.runner.script(this.scripts.forceRelease, [this.keys.lock(name)], [name, fence ?? '']);
    return ReplyReader.of([removed], 'lock-force-release').number() === 1;
  }

  async inspect(name: string): Promise<LockInfo | null> {
    const [info] = await this.inspectAll([name]);
    return info ?? null;
  }

  /** Walks every master; a lock taken or released meanwhile may be missing or appear twice. */
  async *list(pattern: string): AsyncIterable<LockInfo> {
    const match = this.keys.lock(pattern.replace(/[[\]\\]/g, '\\$&'));
    for (const master of mastersOf(this.runner.client)) {
      let cursor = '0';
      do {
        const [next, found] = await this.runner.run('SCAN', () =>
          master.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT),
        );
        const names = found.map((key) => this.keys.lockName(key));
        for (const info of await this.inspectAll(names)) if (info !== undefined) yield info;
        cursor = next;
      } while (cursor !== '0');
    }
  }

  private async inspectAll(names: readonly string[]): Promise<readonly (LockInfo | undefined)[]> {
    const infos: (LockInfo | undefined)[] = [];
    for (const batch of inBatches(
      names.map((name) => ({ name, key: this.keys.lock(name) })),
      this.slotOf,
    )) {
      const reply = ReplyReader.of(
        await this.runner.script(
          this.scripts.inspect,
          batch.map(({ key }) => key),
          [],
        ),
        'lock-inspect',
      );
      for (const { name } of batch) infos.push(this.readInfo(name, reply.list()));
    }
    return infos;
  }

  private readInfo(name: string, fields: ReplyReader): LockInfo | undefined {
    if (fields.isDone) return undefined;
    const fence = fields.number();
    // The owner is kept as its inbox, `<namespace>:in:<label>:<random>`.
    const owner = fields
      .text()
      .slice(this.keys.inbox('').length)
      .replace(/:[^:]*$/, '');
    return { name, fence, owner, heldForMs: fields.number(), expiresInMs: fields.number(), waiters: fields.number() };
  }

  private lockKeys(names: readonly string[]): string[] {
    return names.map((name) => this.keys.lock(name));
  }
}

/** A slot that does not answer leaves its requests `unknown`; anything else is an error. */
function unlessUnreachable(error: unknown): undefined {
  if (error instanceof StoreUnavailableError || error instanceof StoreTimeoutError) return undefined;
  throw error;
}

/** Groups by slot, at most {@link RENEW_BATCH} to a group, order kept within a slot. */
function inBatches<T extends { readonly key: string }>(
  items: readonly T[],
  slotOf: (serverKey: string) => number,
): T[][] {
  const open = new Map<number, T[]>();
  const batches: T[][] = [];
  for (const item of items) {
    const slot = slotOf(item.key);
    let batch = open.get(slot);
    if (batch === undefined || batch.length === RENEW_BATCH) {
      batch = [];
      open.set(slot, batch);
      batches.push(batch);
    }
    batch.push(item);
  }
  return batches;
}
