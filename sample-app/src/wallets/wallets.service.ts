import { HttpStatus, Injectable, NotFoundException } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { and, asc, eq, gte, inArray, sql } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import type { SqlAdapter } from '../database/database.js';
import { wallets } from '../database/schema.js';
import { Refusal } from '../http/refusal.js';
import { toWallet, type Transfer, type Transferred, type Wallet, WALLET_TTL, walletKey } from './wallet.js';

@Injectable()
export class WalletsService {
  constructor(
    private readonly sql: TransactionHost<SqlAdapter>,
    private readonly cache: TransactionalCache,
  ) {}

  /** @throws NotFoundException when there is no such wallet */
  async get(id: string): Promise<Wallet> {
    const wallet = await this.cache.getOrLoad(walletKey(id), () => this.load(id), { ttl: WALLET_TTL });
    if (!wallet) throw new NotFoundException(`There is no wallet ${id}`);
    return wallet;
  }

  @Transactional()
  async transfer({ from, to, amountCents }: Transfer): Promise<Transferred> {
    // Rows are locked in one order too, so that SQL alone never ends in a deadlock.
    await this.sql.tx
      .select()
      .from(wallets)
      .where(inArray(wallets.id, [from, to]))
      .orderBy(asc(wallets.id))
      .for('no key update');
    return { from: await this.take(from, amountCents), to: await this.give(to, amountCents) };
  }

  /**
   * From SQL.
   * @throws NotFoundException when there is no such wallet
   */
  async find(id: string): Promise<Wallet> {
    const wallet = await this.load(id);
    if (!wallet) throw new NotFoundException(`There is no wallet ${id}`);
    return wallet;
  }

  /** Part of the caller's transaction: takes money from a wallet that has enough. */
  async take(id: string, amountCents: number): Promise<Wallet> {
    const [row] = await this.sql.tx
      .update(wallets)
      .set({ balanceCents: sql`${wallets.balanceCents} - ${amountCents}` })
      .where(and(eq(wallets.id, id), gte(wallets.balanceCents, amountCents)))
      .returning();
    if (row) return this.keep(toWallet(row));
    await this.find(id);
    throw new Refusal(
      HttpStatus.PAYMENT_REQUIRED,
      'NOT_ENOUGH_MONEY',
      `Wallet ${id} has less than ${amountCents} cents`,
    );
  }

  private async give(id: string, amountCents: number): Promise<Wallet> {
    const [row] = await this.sql.tx
      .update(wallets)
      .set({ balanceCents: sql`${wallets.balanceCents} + ${amountCents}` })
      .where(eq(wallets.id, id))
      .returning();
    return row ? this.keep(toWallet(row)) : this.find(id);
  }

  private async keep(wallet: Wallet): Promise<Wallet> {
    await this.cache.set(walletKey(wallet.id), wallet, { ttl: WALLET_TTL });
    return wallet;
  }

  private async load(id: string): Promise<Wallet | undefined> {
    const [row] = await this.sql.tx.select().from(wallets).where(eq(wallets.id, id));
    return row && toWallet(row);
  }
}
