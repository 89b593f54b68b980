import { Controller, Inject } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  CacheTxn,
  type CacheTxnErrorCode,
  CurrentLock,
  CurrentTxn,
  type Lock,
  Locked,
  type Transaction,
  Versioned,
} from 'nestjs-cache-txn';
import { of } from 'rxjs';
import { look, makeError, Sale } from './sale.js';

/** Patterns of events; the types of `@EventPattern` want objects where a handler has parameters beside the message. */
export const BOUGHT = { event: 'bought' };
export const ONCE = { event: 'once' };

/** The same handlers for every transport of microservices. */
@Controller()
export class RpcSale {
  constructor(@Inject(Sale) private readonly sale: Sale) {}

  @MessagePattern('buy')
  @Locked('seat:{data.id}', { wait: 0 })
  @CacheTxn()
  buy(
    @Payload() { id, fails }: { id: string; fails?: boolean },
    @CurrentLock() lock: Lock,
    @CurrentTxn() txn: Transaction,
  ) {
    const error = new RpcException({ own: 'sold out' });
    return this.sale.buy(id, { lock, txn, fails: fails === true ? error : undefined });
  }

  @MessagePattern('by-argument')
  @Locked('seat:{args.0.id}', { wait: 0 })
  @CacheTxn()
  byArgument(@Payload('id') id: string, @CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
    return this.sale.buy(id, { lock, txn });
  }

  @MessagePattern('plain')
  @Locked('seat:{data}')
  plain(@CurrentLock() lock: Lock) {
    return of(...lock.names, 'the last');
  }

  @MessagePattern('look')
  @Locked(look)
  look() {
    return 'looked';
  }

  @MessagePattern('count')
  @Versioned({ backoff: { initial: 0 } })
  @CacheTxn()
  count() {
    return this.sale.count();
  }

  @MessagePattern('resource')
  @Versioned({ resource: 'event:{params.id}', requireIfMatch: true, backoff: { initial: 0 } })
  @CacheTxn()
  resource() {
    return this.sale.count();
  }

  @MessagePattern('fail')
  fail(@Payload() code: CacheTxnErrorCode) {
    throw makeError(code);
  }

  @MessagePattern('endless')
  @Locked('seat:endless')
  @CacheTxn()
  endless(@CurrentTxn() txn: Transaction) {
    return this.sale.endless(txn.signal);
  }

  /** Without a lock, whose signal the transaction of the provider would have as well. */
  @MessagePattern('endless-inside')
  @Versioned()
  endlessInside() {
    return this.sale.endlessInside();
  }

  @EventPattern(BOUGHT)
  @Locked('seat:{data.id}', { wait: 0 })
  @CacheTxn()
  bought(@Payload() { id }: { id: string }, @CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
    return this.sale.buy(id, { lock, txn });
  }

  @EventPattern(ONCE)
  @Locked(look, { onBusy: 'skip', minHold: '1m' })
  @CacheTxn()
  once(@Payload() { id }: { id: string }, @CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
    return this.sale.buy(id, { lock, txn });
  }

  /** The last one to be subscribed to. */
  @EventPattern('failed')
  failed(@Payload() code: CacheTxnErrorCode) {
    throw makeError(code);
  }
}
