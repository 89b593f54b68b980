import { appendFileSync, readFileSync } from 'node:fs';

import type pg from 'pg';

import type { Outcome } from '../../support/history/event.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { TXN_MS } from '../cluster/list-append.js';
import { between, pick } from '../seed.js';
import type { Shop } from './shop.js';
import { addTo, FIRST_BALANCE, RETRY, STOCK, stockRows } from './stock.js';

/** A transfer as its caller knows it; written down before it is tried, and again when it has ended. */
interface Transfer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly outcome: Outcome;
}

/** Takes what is known of a transfer; its lines survive a kill. */
export type TransferJournal = (transfer: Transfer) => void;

export function transferJournal(path: string): TransferJournal {
  appendFileSync(path, '');
  return (transfer) => appendFileSync(path, `${JSON.stringify(transfer)}\n`);
}

/** Moves money from one account to another, under an id that every attempt of it writes down in the same transaction. */
export async function moveMoney(
  { cache, coordinator, db }: Shop,
  table: string,
  id: string,
  random: () => number,
  note: TransferJournal,
): Promise<void> {
  const from = pick(random, STOCK);
  const to = pick(
    random,
    STOCK.filter((account) => account !== from),
  );
  const amount = between(random, 1, 20);
  const settle = (outcome: Outcome): void => note({ id, from, to, amount, outcome });
  settle('unknown');
  try {
    await coordinator.runWithRetry({ timeout: TXN_MS, retry: RETRY }, () =>
      db.transaction(async (client) => {
        for (const [account, moved] of [
          [from, -amount],
          [to, amount],
        ] as const) {
          await client.query(`INSERT INTO ${table}_transfers VALUES ($1, $2, $3)`, [id, account, moved]);
          await cache.set(account, await addTo(client, table, account, moved));
        }
      }),
    );
    settle('ok');
  } catch (error) {
    settle(outcomeOf(error).outcome);
    throw error;
  }
}

/** What is wrong in the books: a sum, a balance, or a transfer that is not there as its caller was told. */
export async function bookProblems(client: pg.Pool, table: string, journals: readonly string[]): Promise<string[]> {
  const [accounts, { rows }] = await Promise.all([
    stockRows(client, table),
    client.query<{ id: string; account: string; amount: string }>(`SELECT id, account, amount FROM ${table}_transfers`),
  ]);
  const made = new Map<string, number>();
  const found = new Map<string, string[]>();
  for (const { account, amount, id } of rows) {
    made.set(account, (made.get(account) ?? 0) + Number(amount));
    found.set(id, [...(found.get(id) ?? []), `${account} ${amount}`].sort());
  }
  const problems: string[] = [];
  for (const [account, { balance }] of accounts) {
    const right = FIRST_BALANCE + (made.get(account) ?? 0);
    if (balance !== right) problems.push(`${account} has ${balance}, its transfers make ${right}`);
  }
  const sum = [...accounts.values()].reduce((total, { balance }) => total + balance, 0);
  if (sum !== STOCK.length * FIRST_BALANCE) problems.push(`the sum is ${sum}`);
  const known = lastOf(journals);
  for (const { amount, from, id, outcome, to } of known.values()) {
    const entries = found.get(id)?.join(', ') ?? 'none';
    const whole = [`${from} ${-amount}`, `${to} ${amount}`].sort().join(', ');
    const allowed = outcome === 'ok' ? [whole] : outcome === 'failed' ? ['none'] : [whole, 'none'];
    if (!allowed.includes(entries)) problems.push(`${id}, which was ${outcome}, is in: ${entries}; not in: ${whole}`);
  }
  for (const id of found.keys()) if (!known.has(id)) problems.push(`nobody made the transfer ${id}`);
  return problems;
}

/** Transfers by how they ended. */
export function transferOutcomes(journals: readonly string[]): Readonly<Record<Outcome, number>> {
  const counts = { ok: 0, failed: 0, unknown: 0 };
  for (const { outcome } of lastOf(journals).values()) counts[outcome] += 1;
  return counts;
}

/** The last word about each. A line that a kill has torn said nothing yet: the one before it was written first. */
function lastOf(journals: readonly string[]): ReadonlyMap<string, Transfer> {
  const lines = journals.flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(0, -1));
  return new Map(lines.map((line) => JSON.parse(line) as Transfer).map((transfer) => [transfer.id, transfer]));
}
