import { present } from '../../base/assert.js';
import type { Intent } from '../../store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  DecisionQuestion,
  OpenTransaction,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
} from '../../store/intent-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import type { CommandRunner } from './command-runner.js';
import { ABORT_RECORD_MS, pushOperation, expectedArg, readRefusal } from './entry-commands.js';
import { Later } from './later.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';
import { decodeTransaction, encodeTransaction, sixteenthOf, transactionLists } from './transaction-list.js';

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

  /** What follows an answer that its caller has already. */
  private readonly later = new Later();

  private readonly lists: readonly string[];

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    /** Only a cluster has anything to spread over. */
    private readonly isCluster: boolean,
  ) {
    this.lists = transactionLists(keys, isCluster);
  }

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

  async decide({ txnId, operations, checks, isUrgent = false }: DecideRequest): Promise<DecideOutcome> {
    const all = [...operations, ...checks];
    const entries = all.map(({ key }) => this.keys.entry(key));
    const keys = [this.keys.outcome(entries[0] ?? '', txnId), ...entries];
    const args = [operations.length, txnId, ABORT_RECORD_MS, ...checks.map(({ expected }) => expectedArg(expected))];
    const decided = this.runner.script(this.scripts.decide, keys, args);
    if (isUrgent) this.runner.sendNow();
    const reply = ReplyReader.of(await decided, 'decide');
    const kind = reply.text();
    if (kind === 'committed') return { kind, versions: all.map(() => reply.number()) };
    const outcome = readRefusal('decide', kind, reply, { operations: checks, guards: [] });
    if (outcome.kind === 'lock-lost') throw unexpected('decide', 'an outcome', kind);
    return outcome;
  }

  async ask({ txnId, decider, deadlineMs, isDecidedElsewhere }: DecisionQuestion): Promise<Decision> {
    const entry = this.keys.entry(decider);
    const keys = [this.keys.outcome(entry, txnId), entry];
    const recordMs = isDecidedElsewhere ? 0 : ABORT_RECORD_MS;
    const reply = ReplyReader.of(
      await this.runner.script(this.scripts.ask, keys, [txnId, deadlineMs, recordMs]),
      'decision-ask',
    );
    const kind = reply.text();
    if (kind === 'pending') return { kind, nowMs: reply.number() };
    if (kind === 'committed' || kind === 'aborted' || kind === 'overdue') return { kind };
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
    await this.later.run(() => this.runner.run('PEXPIRE', () => this.runner.client.pexpire(key, keepMs)));
  }

  async open(transaction: OpenTransaction, leftMs: number): Promise<void> {
    await this.runner.script(
      this.scripts.open,
      [this.listOf(transaction)],
      [encodeTransaction(transaction), Math.ceil(leftMs)],
    );
  }

  async close(transaction: OpenTransaction): Promise<void> {
    const [list, member] = [this.listOf(transaction), encodeTransaction(transaction)];
    await this.later.run(() => this.runner.run('ZREM', () => this.runner.client.zrem(list, member)));
  }

  /** Each list is asked; one that does not answer is in nobody's way. */
  async overdue(limit: number): Promise<readonly OpenTransaction[]> {
    const each = Math.ceil(limit / this.lists.length);
    const found = await Promise.allSettled(
      this.lists.map(async (list) => {
        const reply = await this.runner.script(this.scripts.overdue, [list], [each]);
        const members = ReplyReader.of(reply, 'transaction-overdue');
        const transactions: OpenTransaction[] = [];
        while (!members.isDone) transactions.push(decodeTransaction(members.text(), 'transaction-overdue'));
        return transactions;
      }),
    );
    const answers = found.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    const [failure] = found.filter((answer) => answer.status === 'rejected');
    if (answers.length === 0 && failure !== undefined) throw failure.reason;
    return answers.flat();
  }

  /** The one near the slot that decides, which is nearly always on the same server: it shares a write with the prepare there. */
  private listOf({ keys: [decider = ''] }: OpenTransaction): string {
    const list = this.isCluster ? sixteenthOf(this.keys.entry(decider)) : 0;
    return present(this.lists[list], 'a list of open transactions');
  }
}
