import type { Intent } from '../store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  OpenTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
} from '../store/intent-operations.js';
import type { KeySpace } from '../store/key-space.js';
import type { CommandRunner } from './command-runner.js';
import { ABORT_RECORD_MS, pushOperation, expectedArg, readRefusal } from './entry-commands.js';
import { hashSlot } from '../store/hash-slot.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';

/** Lists that the open transactions are spread over, so that no single server has to keep all of them. */
const LISTS = 16;

/** The operations behind commits of several slots; see the scripts of these names. */
export class IntentCommands {
  private readonly scripts = {
    prepare: loadScript('prepare'),
    decide: loadScript('decide'),
    ask: loadScript('decision-ask'),
    settle: loadScript('settle'),
    open: loadScript('transaction-open'),
    overdue: loadScript('transaction-overdue'),
  };

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    /** Only a cluster has anything to spread over. */
    private readonly isCluster: boolean,
  ) {}

  async prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    const { txnId, decider, operations, guards, leftMs, guardMs } = request;
    const [operation] = operations;
    const anchor = operation ? this.keys.entry(operation.key) : this.keys.lock(guards[0]?.name ?? '');
    const keys = [this.keys.outcome(anchor, txnId)];
    const whither = JSON.stringify([decider, operation?.key ?? '']);
    const args: (string | number)[] = [operations.length, txnId, whither, Math.ceil(leftMs), Math.ceil(guardMs)];
    for (const each of operations) {
      keys.push(this.keys.entry(each.key));
      pushOperation(args, each);
    }
    for (const { name, token } of guards) {
      keys.push(this.keys.lock(name));
      args.push(token);
    }
    const reply = ReplyReader.of(await this.runner.script(this.scripts.prepare, keys, args), 'prepare');
    const kind = reply.text();
    if (kind === 'prepared') return { kind, versions: operations.map(() => reply.number()) };
    return readRefusal('prepare', kind, reply, request);
  }

  async decide({ txnId, operations, checks }: DecideRequest): Promise<DecideOutcome> {
    const all = [...operations, ...checks];
    const entries = all.map(({ key }) => this.keys.entry(key));
    const keys = [this.keys.outcome(entries[0] ?? '', txnId), ...entries];
    const args = [operations.length, txnId, ABORT_RECORD_MS, ...checks.map(({ expected }) => expectedArg(expected))];
    const decided = this.runner.script(this.scripts.decide, keys, args);
    // Locks of other stores were looked at just now: it must not wait for whatever else runs in this turn.
    this.runner.sendNow();
    const reply = ReplyReader.of(await decided, 'decide');
    const kind = reply.text();
    if (kind === 'committed') return { kind, versions: all.map(() => reply.number()) };
    const outcome = readRefusal('decide', kind, reply, { operations: checks, guards: [] });
    if (outcome.kind === 'lock-lost') throw unexpected('decide', 'an outcome', kind);
    return outcome;
  }

  async ask({ txnId, decider, deadlineMs }: Pick<Intent, 'txnId' | 'decider' | 'deadlineMs'>): Promise<Decision> {
    const entry = this.keys.entry(decider);
    const keys = [this.keys.outcome(entry, txnId), entry];
    const reply = ReplyReader.of(
      await this.runner.script(this.scripts.ask, keys, [txnId, deadlineMs, ABORT_RECORD_MS]),
      'decision-ask',
    );
    const kind = reply.text();
    if (kind === 'pending') return { kind, nowMs: reply.number() };
    if (kind === 'committed' || kind === 'aborted') return { kind };
    throw unexpected('decision-ask', 'a decision', kind);
  }

  async settle({ txnId, verdict, keys, anchor, versions, rememberMs }: SettleRequest): Promise<void> {
    const entries = keys.map((key) => this.keys.entry(key));
    const args = [txnId, verdict, rememberMs, ...keys.map((_, i) => versions?.[i] ?? '')];
    const record = this.keys.outcome(this.keys.entry(anchor), txnId);
    await this.runner.script(this.scripts.settle, [record, ...entries], args);
  }

  async retire({ txnId, decider }: Pick<Intent, 'txnId' | 'decider'>, keepMs: number): Promise<void> {
    const key = this.keys.outcome(this.keys.entry(decider), txnId);
    await this.runner.run('PEXPIRE', () => this.runner.client.pexpire(key, keepMs));
  }

  async open(transaction: OpenTransaction, leftMs: number): Promise<void> {
    await this.runner.script(this.scripts.open, [this.listOf(transaction)], [encode(transaction), Math.ceil(leftMs)]);
  }

  async close(transaction: OpenTransaction): Promise<void> {
    await this.runner.run('ZREM', () => this.runner.client.zrem(this.listOf(transaction), encode(transaction)));
  }

  /** Each list is asked; one that does not answer is in nobody's way. */
  async overdue(limit: number): Promise<readonly OpenTransaction[]> {
    const lists = Array.from({ length: this.isCluster ? LISTS : 1 }, (_, list) => this.keys.openTransactions(list));
    const each = Math.ceil(limit / lists.length);
    const found = await Promise.allSettled(
      lists.map(async (list) => {
        const reply = await this.runner.script(this.scripts.overdue, [list], [each]);
        const members = ReplyReader.of(reply, 'transaction-overdue');
        const transactions: OpenTransaction[] = [];
        while (!members.isDone) transactions.push(decode(members.text()));
        return transactions;
      }),
    );
    const answers = found.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    const [failure] = found.filter((answer) => answer.status === 'rejected');
    if (answers.length === 0 && failure !== undefined) throw failure.reason;
    return answers.flat();
  }

  private listOf({ txnId }: OpenTransaction): string {
    return this.keys.openTransactions(this.isCluster ? hashSlot(txnId) % LISTS : 0);
  }
}

function encode({ txnId, keys }: OpenTransaction): string {
  return JSON.stringify([txnId, ...keys]);
}

function decode(member: string): OpenTransaction {
  const parts: unknown = safeParse(member);
  if (!Array.isArray(parts) || parts.length < 2 || !parts.every((part) => typeof part === 'string')) {
    throw unexpected('transaction-overdue', 'a transaction', member);
  }
  const [txnId = '', ...keys] = parts;
  return { txnId, keys };
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
