import { expect, describe, it } from '@jest/globals';
import { StoreTimeoutError, TransactionInDoubtError } from '../../../src/base/errors.js';
import { sleep } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { type Fault, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

const ACCOUNTS = ['a', 'b', 'c', 'd'] as const;
const START = 100;
const TRANSFERS = 16;
const HISTORIES = 60;

interface Transfer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  told: 'applied' | 'not applied' | 'in doubt';
}

/** Processes that move money between accounts while answers and requests get lost; some requests arrive late. */
class Bank {
  readonly world = new TxnWorld();
  readonly transfers: Transfer[] = [];
  private readonly late: (() => Promise<unknown>)[] = [];

  constructor(private readonly chance: () => number) {}

  async process(): Promise<TxnProcess> {
    const version = { attempts: 20, escalateAfter: 2, backoff: { initial: 5, max: 40 } };
    const process = await this.world.process({ version, txn: { timeout: '3s' }, random: this.chance });
    process.store.always('commit', this.faulty(0.2));
    // Some never hear what became of a commit.
    process.store.always('resolveCommit', this.faulty(this.chance() < 0.2 ? 1 : 0.5));
    process.store.always('readEntries', async (run) => (this.chance() < 0.02 ? unavailable(run) : run()));
    return process;
  }

  async transfer({ coordinator, cache }: TxnProcess, number: number): Promise<void> {
    const [from, to] = this.twoAccounts();
    const transfer: Transfer = {
      id: `t${number}`,
      from,
      to,
      amount: 1 + Math.floor(this.chance() * 9),
      told: 'applied',
    };
    this.transfers.push(transfer);
    const isolation = this.chance() < 0.5 ? 'serializable' : 'read-committed';
    const move = coordinator.runWithRetry({ isolation }, async () => {
      await this.pause();
      const taken = await cache.get<number>(from);
      await this.pause();
      if (this.chance() < 0.3)
        await this.undoneBeside(coordinator.run({ propagation: 'nested' }, () => this.spoil(cache)));
      await cache.set(from, (taken ?? 0) - transfer.amount);
      await cache.update<number>(to, (balance = 0) => balance + transfer.amount);
      await cache.set(transfer.id, 1);
      await this.pause();
    });
    await move.catch((error: unknown) => {
      transfer.told = error instanceof TransactionInDoubtError ? 'in doubt' : 'not applied';
    });
  }

  /** What was on its way all the time arrives. */
  async arrive(): Promise<void> {
    await Promise.all(this.late.splice(0).map((run) => run()));
  }

  private faulty(share: number): Fault {
    return async (run) => {
      await this.pause();
      if (this.chance() >= share) return run();
      if (this.chance() < 0.4) return lostReply(run);
      if (this.chance() < 0.5) this.late.push(run);
      else void this.pause().then(run);
      throw new StoreTimeoutError('no answer');
    };
  }

  private async spoil(cache: TxnProcess['cache']): Promise<never> {
    await cache.setMany(Object.fromEntries(ACCOUNTS.map((account) => [account, -1_000])));
    throw new Error('undone');
  }

  private async undoneBeside(part: Promise<unknown>): Promise<void> {
    await expect(part).rejects.toThrow();
  }

  private twoAccounts(): [string, string] {
    const from = Math.floor(this.chance() * ACCOUNTS.length);
    const to = (from + 1 + Math.floor(this.chance() * (ACCOUNTS.length - 1))) % ACCOUNTS.length;
    return [ACCOUNTS[from] ?? 'a', ACCOUNTS[to] ?? 'b'];
  }

  private pause(): Promise<void> {
    return sleep(this.world.clock, Math.floor(this.chance() * 60));
  }
}

async function history(seed: number): Promise<readonly Transfer[]> {
  const bank = new Bank(seededRandom(seed));
  const processes = [await bank.process(), await bank.process(), await bank.process()];
  const observer = await bank.world.process();
  await observer.cache.setMany(Object.fromEntries(ACCOUNTS.map((account) => [account, START])));

  const all = Array.from({ length: TRANSFERS }, (_, i) => bank.transfer(processes[i % 3]!, i));
  await bank.world.finish(Promise.all(all));
  await bank.arrive();

  const applied = await observer.cache.getMany(bank.transfers.map(({ id }) => id));
  for (const { id, told } of bank.transfers) {
    if (told !== 'in doubt') expect([seed, id, applied.has(id)]).toEqual([seed, id, told === 'applied']);
  }
  const expected = Object.fromEntries(ACCOUNTS.map((account) => [account, START]));
  for (const { id, from, to, amount } of bank.transfers) {
    if (!applied.has(id)) continue;
    expected[from]! -= amount;
    expected[to]! += amount;
  }
  const balances = Object.fromEntries(await observer.cache.getMany<number>(ACCOUNTS));
  expect({ seed, ...balances }).toEqual({ seed, ...expected });
  return bank.transfers;
}

describe('random histories of transfers', () => {
  it('G14, G20: each is applied whole and once, or not at all, as its caller was told, whatever gets lost', async () => {
    const first = Math.floor(Math.random() * 1e9);
    const told: Transfer['told'][] = [];
    for (let seed = first; seed < first + HISTORIES; seed++) {
      told.push(...(await history(seed)).map((transfer) => transfer.told));
    }
    // The faults did what they were chosen for.
    for (const fate of ['applied', 'not applied', 'in doubt'] as const)
      expect([first, told.includes(fate)]).toEqual([first, true]);
  }, 60_000);
});
