import { z } from 'zod';
import { id } from '../http/id.js';

export const orderRequest = z.strictObject({ buyer: id.meta({ example: 'ada' }), seatId: id });
export type OrderRequest = z.infer<typeof orderRequest>;

export const order = z.object({ id, seatId: id, buyer: id, priceCents: z.int() });
/** An order as it is cached and shown; it never changes. */
export type Order = z.infer<typeof order>;

export const orderKey = (orderId: string): string => `order:${orderId}`;

export const ORDER_TTL = '10m';
