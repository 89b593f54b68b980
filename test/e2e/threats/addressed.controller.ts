import { applyDecorators, Body, Controller, Headers, Inject, Param, Post, Query } from '@nestjs/common';
import { CacheTxn, CurrentLock, Locked, type Lock, TransactionalCache, Versioned } from 'nestjs-cache-txn';

/** All three decorators, with the caller's id in the lock and in the resource. */
const Guarded = (id: string): MethodDecorator =>
  applyDecorators(Locked(`id:${id}`), CacheTxn(), Versioned({ resource: `entry:${id}` }));

/** What a method answers: the name under which it was locked, which is also the key it wrote. */
export interface Kept {
  readonly name: string;
}

/** A caller's id wherever one can come from. Each method keeps the id as a value under its own lock's name. */
@Controller('by')
export class AddressedController {
  /** How often a method ran; a refused call runs none. */
  static runs = 0;

  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Post('path/:id')
  @Guarded('{params.id}')
  byPath(@CurrentLock() lock: Lock, @Param('id') id: string): Promise<Kept> {
    return this.keep(lock, id);
  }

  @Post('query')
  @Guarded('{query.id}')
  byQuery(@CurrentLock() lock: Lock, @Query('id') id: string): Promise<Kept> {
    return this.keep(lock, id);
  }

  @Post('body')
  @Guarded('{body.id}')
  byBody(@CurrentLock() lock: Lock, @Body('id') id: unknown): Promise<Kept> {
    return this.keep(lock, id);
  }

  @Post('nested')
  @Guarded('{body.order.id}')
  byNested(@CurrentLock() lock: Lock, @Body() body: unknown): Promise<Kept> {
    return this.keep(lock, body);
  }

  @Post('header')
  @Guarded('{headers.x-id}')
  byHeader(@CurrentLock() lock: Lock, @Headers('x-id') id: string): Promise<Kept> {
    return this.keep(lock, id);
  }

  @Post('cookies')
  @Guarded('{headers.set-cookie}')
  byHeaderList(@CurrentLock() lock: Lock): Promise<Kept> {
    return this.keep(lock, 'cookie');
  }

  @Post('ticket')
  @Guarded('{body.ticketNumber}')
  byTicket(@CurrentLock() lock: Lock): Promise<Kept> {
    return this.keep(lock, 'ticket');
  }

  @Post('pair')
  @Guarded('{body.a}:{body.b}')
  byPair(@CurrentLock() lock: Lock): Promise<Kept> {
    return this.keep(lock, 'pair');
  }

  @Post('dashed')
  @Guarded('{body.a}-{body.b}')
  byDashedPair(@CurrentLock() lock: Lock): Promise<Kept> {
    return this.keep(lock, 'pair');
  }

  private async keep({ names }: Lock, value: unknown): Promise<Kept> {
    AddressedController.runs += 1;
    const [name = ''] = names;
    await this.cache.set(name, value);
    return { name };
  }
}
