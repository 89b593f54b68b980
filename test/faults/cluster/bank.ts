import { outcomeOf } from '../../support/history/outcome.js';
import type { Outcome } from '../../support/history/event.js';
import type { Recorder } from '../../support/history/recorder.js';
import { pick } from '../seed.js';
import { SETTLES_WITHIN_MS, TAGS, TXN_MS } from './list-append.js';
import type { Member } from './member.js';

/** What an account holds: its balance, and every transfer that made it. */
interface Account {
  readonly balance: number;
  readonly applied: readonly (readonly [id: string, amount: number])[];
}

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  outcome: Outcome;
}

const FIRST_BALANCE = 1_000;
/** An account that is moved more often refuses: its entry would grow without end. */
const MOST_APPLIED = 2_000;
/** Few, and soon given up: each wants all accounts, and would have everybody wait for it. */
const LOOKS = 0.02;
const LOOK_RETRY = { attempts: 2 } as const;
const RETRY = { attempts: 8, budget: '3s' } as const;

/** Two accounts in every slot. */
const ACCOUNTS: readonly string[] = TAGS.flat().flatMap((tag) => [`{${tag}}:account:a`, `{${tag}}:account:b`]);
const NEW_ACCOUNT: Account = { balance: FIRST_BALANCE, applied: [] };

/** Accounts on all masters, and transfers between them that name themselves in both. */
export class Bank {
  private readonly transfers = new Map<string, Transfer>();
  private readonly wrongSums: string[] = [];
  private books = new Map<string, Account>();

  /** One transfer, or once in a while a look at the sum. */
  async step(member: Member, recorder: Recorder, random: () => number): Promise<void> {
    if (random() < LOOKS) await this.look(member, recorder);
    else await this.transfer(member, recorder, random);
  }

  /** Reads all accounts for {@link problems}. */
  async close({ cache, coordinator }: Member): Promise<void> {
    this.books = await coordinator.run({ readOnly: true }, () => readAll(cache));
  }

  /** Transfers by how they ended. */
  get outcomes(): Readonly<Record<Outcome, number>> {
    const counts = { ok: 0, failed: 0, unknown: 0 };
    for (const { outcome } of this.transfers.values()) counts[outcome] += 1;
    return counts;
  }

  /** What is wrong in the closed books. */
  problems(): string[] {
    const problems = [...this.wrongSums, ...sumProblem('at the end', this.books)];
    const found = new Map<string, string[]>();
    for (const [key, { balance, applied }] of this.books) {
      const made = applied.reduce((sum, [, amount]) => sum + amount, FIRST_BALANCE);
      if (made !== balance) problems.push(`${key} has ${balance}, its transfers make ${made}`);
      for (const [id, amount] of applied) found.set(id, [...(found.get(id) ?? []), `${key} ${amount}`]);
    }
    for (const [id, { from, to, amount, outcome }] of this.transfers) {
      const entries = found.get(id)?.sort().join(', ') ?? 'none';
      const whole = [`${from} ${-amount}`, `${to} ${amount}`].sort().join(', ');
      const allowed = outcome === 'ok' ? [whole] : outcome === 'failed' ? ['none'] : [whole, 'none'];
      if (!allowed.includes(entries)) problems.push(`${id}, which was ${outcome}, is in: ${entries}; not in: ${whole}`);
    }
    for (const id of found.keys()) if (!this.transfers.has(id)) problems.push(`nobody made the transfer ${id}`);
    return problems;
  }

  private async transfer({ cache, coordinator }: Member, recorder: Recorder, random: () => number): Promise<void> {
    const from = pick(random, ACCOUNTS);
    const to = pick(
      random,
      ACCOUNTS.filter((account) => account !== from),
    );
    const amount = 1 + Math.floor(random() * 20);
    await recorder.call('transfer', SETTLES_WITHIN_MS, async (op) => {
      let attempt = 0;
      let open: Transfer | undefined;
      try {
        await coordinator.runWithRetry({ timeout: TXN_MS, retry: RETRY }, async () => {
          if (open) open.outcome = 'failed';
          open = undefined;
          attempt += 1;
          const id = `${op}.${attempt}`;
          const both = await cache.getMany<Account>([from, to]);
          for (const [key, moved] of [
            [from, -amount],
            [to, amount],
          ] as const) {
            const { balance, applied } = both.get(key) ?? NEW_ACCOUNT;
            if (applied.length >= MOST_APPLIED) throw new Error(`${key} has seen ${MOST_APPLIED} transfers`);
            await cache.set(key, { balance: balance + moved, applied: [...applied, [id, moved]] });
          }
          open = { from, to, amount, outcome: 'unknown' };
          this.transfers.set(id, open);
        });
        if (open) open.outcome = 'ok';
      } catch (error) {
        if (open) open.outcome = outcomeOf(error).outcome;
        throw error;
      }
    });
  }

  private async look({ cache, coordinator }: Member, recorder: Recorder): Promise<void> {
    await recorder.call('look', SETTLES_WITHIN_MS, async (op) => {
      const options = { readOnly: true, timeout: TXN_MS, retry: LOOK_RETRY };
      const books = await coordinator.runWithRetry(options, () => readAll(cache));
      this.wrongSums.push(...sumProblem(op, books));
    });
  }
}

async function readAll(cache: Member['cache']): Promise<Map<string, Account>> {
  const found = await cache.getMany<Account>(ACCOUNTS);
  return new Map(ACCOUNTS.map((key) => [key, found.get(key) ?? NEW_ACCOUNT]));
}

function sumProblem(who: string, books: ReadonlyMap<string, Account>): string[] {
  const sum = [...books.values()].reduce((total, { balance }) => total + balance, 0);
  const right = ACCOUNTS.length * FIRST_BALANCE;
  return sum === right ? [] : [`${who}: the sum is ${sum}, not ${right}`];
}
