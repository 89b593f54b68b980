import { z } from 'zod';
import type { wallets } from '../database/schema.js';
import { id } from '../http/id.js';

export const wallet = z.object({ id: id.meta({ example: 'ada' }), balanceCents: z.int() });
/** A wallet as it is cached and shown. */
export type Wallet = z.infer<typeof wallet>;

export const transfer = z
  .strictObject({
    from: id.meta({ example: 'ada' }),
    to: id.meta({ example: 'grace' }),
    amountCents: z.int().min(1).max(1_000_000),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], error: 'must be another wallet than from' });
export type Transfer = z.infer<typeof transfer>;

export const transferred = z.object({ from: wallet, to: wallet });
export type Transferred = z.infer<typeof transferred>;

export const walletKey = (walletId: string): string => `wallet:${walletId}`;

export const WALLET_TTL = '10m';

export function toWallet({ id, balanceCents }: typeof wallets.$inferSelect): Wallet {
  return { id, balanceCents };
}
