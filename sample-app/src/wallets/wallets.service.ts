import { HttpStatus, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { and, asc, eq, gte, inArray, sql } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import { DATABASE, type Database } from '../database/database.js';
import { wallets } from '../database/schema.js';
import { SqlTransactions } from '../database/sql-transactions.js';
import { Refusal } from '../http/refusal.js';
import { toWallet, type Transfer, type Transferred, type Wallet, WALLET_TTL, walletKey } from './wallet.js';

@Injectable()
export class WalletsService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly sqlTransactions: SqlTransactions,
    private readonly cache: TransactionalCache,
  ) {}

  async get(id: string): Promise<Wallet> {
    const cached = await this.cache.get<Wallet>(walletKey(id));
    if (cached) return cached;
    const wallet = await this.find(this.db, id);
    await this.cache.set(walletKey(id), wallet, { ttl: WALLET_TTL });
    return wallet;
  }

  /** Under the locks of both wallets: SQL first, then both entries together. */
  async transfer({ from, to, amountCents }: Transfer): Promise<Transferred> {
    const result = await this.sqlTransactions.run(async (tx) => {
      // Rows are locked in one order too, so that SQL alone never ends in a deadlock.
      await tx
        .select()
        .from(wallets)
        .where(inArray(wallets.id, [from, to]))
        .orderBy(asc(wallets.id))
        .for('no key update');
      return { from: await this.take(tx, from, amountCents), to: await this.give(tx, to, amountCents) };
    });
    await this.cache.setMany({ [walletKey(from)]: result.from, [walletKey(to)]: result.to }, { ttl: WALLET_TTL });
    return result;
  }

  /** @throws NotFoundException when there is no such wallet */
  async find(tx: Database, id: string): Promise<Wallet> {
    const [row] = await tx.select().from(wallets).where(eq(wallets.id, id));
    if (!row) throw new NotFoundException(`There is no wallet ${id}`);
    return toWallet(row);
  }

  /** Takes money from a wallet that has enough. */
  async take(tx: Database, id: string, amountCents: number): Promise<Wallet> {
    const [row] = await tx
      .update(wallets)
      .set({ balanceCents: sql`${wallets.balanceCents} - ${amountCents}` })
      .where(and(eq(wallets.id, id), gte(wallets.balanceCents, amountCents)))
      .returning();
    if (row) return toWallet(row);
    await this.find(tx, id);
    throw new Refusal(
      HttpStatus.PAYMENT_REQUIRED,
      'NOT_ENOUGH_MONEY',
      `Wallet ${id} has less than ${amountCents} cents`,
    );
  }

  private async give(tx: Database, id: string, amountCents: number): Promise<Wallet> {
    const [row] = await tx
      .update(wallets)
      .set({ balanceCents: sql`${wallets.balanceCents} + ${amountCents}` })
      .where(eq(wallets.id, id))
      .returning();
    return row ? toWallet(row) : this.find(tx, id);
  }
}
