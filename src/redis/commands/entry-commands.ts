import type {
  CommitOperation,
  CommitOutcome,
  CommitRequest,
  Expectation,
  Mismatch,
  ResolveOutcome,
} from '../../store/entry-operations.js';
import type { Intent } from '../../store/intent.js';
import type { StoredEntry } from '../../store/intent-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import type { KeySketch } from './key-sketch.js';
import type { CommandRunner } from './command-runner.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';

/** An abort record outlives every delayed commit: far longer than any connection keeps an unsent command. */
export const ABORT_RECORD_MS = 3_600_000;

/** The entry operations of the port as scripts and plain HMGETs; see `scripts/commit*.lua`. */
export class EntryCommands {
  private readonly scripts = { commit: loadScript('commit'), resolve: loadScript('commit-resolve') };

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    /** Keys that this process expects to have a value: those that it deletes are none. */
    private readonly hits?: KeySketch,
  ) {}

  /** One command for each key, because a cluster routes each by its key; they share a write and a deadline. */
  read(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    const { client } = this.runner;
    const send = keys.map((key) => (): Promise<unknown> => client.hmget(this.keys.entry(key), 'v', 'ver', 'i'));
    return this.runner.runAll('HMGET', send).then((replies) => replies.map(readEntry));
  }

  /** A PTTL more for each key. A write between the two is told to whoever keeps copies. */
  async readWithTimeLeft(keys: readonly string[]): Promise<readonly (StoredEntry | undefined)[]> {
    const { client } = this.runner;
    const replies = await this.runner.runAll<unknown>('HMGET', [
      ...keys.map((key) => () => client.hmget(this.keys.entry(key), ...TIMED_FIELDS)),
      ...keys.map((key) => () => client.pttl(this.keys.entry(key))),
    ]);
    return keys.map((_, i) => {
      const entry = readEntry(replies[i]);
      if (entry === undefined) return undefined;
      const leftMs = Number(replies[keys.length + i]);
      // -1 for ever, -2 ended meanwhile.
      return {
        ...entry,
        leftMs: getsStale(replies[i], entry) ? 0 : leftMs === -1 ? Number.POSITIVE_INFINITY : Math.max(leftMs, 0),
      };
    });
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    const { operations, guards } = request;
    const keys = [this.outcomeKey(request)];
    const args: (string | number)[] = [operations.length, request.outcomeTtlMs];
    for (const operation of operations) {
      keys.push(this.keys.entry(operation.key));
      pushOperation(args, operation);
      if (operation.kind === 'delete') this.hits?.remove(operation.key);
    }
    for (const { name, token } of guards) {
      keys.push(this.keys.lock(name));
      args.push(token);
    }
    const committed = this.runner.script(this.scripts.commit, keys, args);
    if (request.isUrgent) this.runner.sendNow();
    return committed.then((reply) => readCommit(reply, request));
  }

  async resolve(request: CommitRequest): Promise<ResolveOutcome> {
    const reply = ReplyReader.of(
      await this.runner.script(this.scripts.resolve, [this.outcomeKey(request)], [ABORT_RECORD_MS]),
      'commit-resolve',
    );
    const kind = reply.text();
    if (kind === 'committed') return { kind, versions: request.operations.map(() => reply.number()) };
    if (kind === 'aborted') return { kind };
    throw unexpected('commit-resolve', 'an outcome', kind);
  }

  /** In the slot of the transaction's first key. */
  private outcomeKey({ operations, guards, txnId }: CommitRequest): string {
    const [operation] = operations;
    const [guard] = guards;
    const anchor = operation ? this.keys.entry(operation.key) : this.keys.lock(guard?.name ?? '');
    return this.keys.outcome(anchor, txnId);
  }
}

/** Of an entry that tells whether its value gets stale; see lib/entry.lua. */
export const TIMED_FIELDS = ['v', 'ver', 'i', 's'] as const;

/** Whether a reply with {@link TIMED_FIELDS} says that the value of the entry in it gets stale before its end; what is said of an earlier version does not count. */
export function getsStale(reply: unknown, { version }: StoredEntry): boolean {
  const stale = (reply as readonly unknown[])[3];
  return typeof stale === 'string' && stale.startsWith(`${version} `);
}

/** The entry in the fields `v`, `ver` and `i`. */
export function readEntry(reply: unknown): StoredEntry | undefined {
  const fields = ReplyReader.of(reply, 'HMGET');
  const value = fields.optionalText();
  const version = fields.optionalNumber();
  const prepared = fields.optionalText();
  if (prepared === undefined) return version === undefined ? undefined : { value, version };
  return { value, version: version ?? 0, intent: readIntent(prepared, 'HMGET') };
}

/** The field `i` of an entry; see lib/entry.lua. */
export function readIntent(text: string, from: string): Intent {
  const [, txnId = '', deadlineMs, expiresAtMs, decider, anchor] =
    /^(\S+) (\d{1,16}) [a-z]+ \d+ \d+ (\d{1,16}) \[("(?:[^"\\]|\\.)*"),("(?:[^"\\]|\\.)+")\]$/.exec(text) ?? [];
  if (decider === undefined || anchor === undefined) throw unexpected(from, 'a prepared write', text);
  const times = { deadlineMs: Number(deadlineMs), expiresAtMs: Number(expiresAtMs) };
  return { txnId, decider: unquote(decider, from), anchor: unquote(anchor, from), ...times };
}

function unquote(json: string, from: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    throw unexpected(from, 'a prepared write', json);
  }
}

function readCommit(fields: unknown, request: CommitRequest): CommitOutcome {
  const reply = ReplyReader.of(fields, 'commit');
  const kind = reply.text();
  if (kind === 'committed') return { kind, versions: request.operations.map(() => reply.number()) };
  return readRefusal('commit', kind, reply, request);
}

/** What a script answers that has changed nothing. */
export function readRefusal(
  from: string,
  kind: string,
  reply: ReplyReader,
  { operations, guards }: Pick<CommitRequest, 'operations' | 'guards'>,
): Exclude<CommitOutcome, { kind: 'committed' }> {
  switch (kind) {
    case 'conflict':
      return { kind, mismatches: readMismatches(reply, operations) };
    case 'intent':
      return { kind, key: reply.item(operations).key, intent: readIntent(reply.text(), from) };
    case 'lock-lost':
      return { kind, name: reply.item(guards).name };
    case 'aborted':
      return { kind };
    default:
      throw unexpected(from, 'an outcome', kind);
  }
}

function readMismatches(reply: ReplyReader, operations: readonly CommitOperation[]): Mismatch[] {
  const mismatches: Mismatch[] = [];
  while (!reply.isDone) mismatches.push({ key: reply.item(operations).key, actual: reply.number() });
  return mismatches;
}

/** The five arguments of an entry; see commit.lua. */
export function pushOperation(args: (string | number)[], operation: CommitOperation): void {
  const strategy = 'strategy' in operation ? operation.strategy : '';
  const ttlMs = 'ttlMs' in operation ? operation.ttlMs : 0;
  const value = operation.kind === 'put' ? operation.value : '';
  args.push(operation.kind, expectedArg(operation.expected), strategy, ttlMs, value);
}

export function expectedArg(expected: Expectation | undefined): string | number {
  if (expected === undefined) return '';
  return expected.kind === 'exists' ? '*' : expected.version;
}
