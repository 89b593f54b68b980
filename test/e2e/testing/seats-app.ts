import { Body, Controller, Get, Inject, type INestApplication, Param, Post } from '@nestjs/common';
import { CacheTxn, CurrentLock, type Lock, Locked, TransactionalCache, Versioned } from 'nestjs-cache-txn';
import type { AddressInfo } from 'node:net';

/** The application under test: seats are sold once, and counted. */
@Controller('seats')
export class SeatsController {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Post(':id/buy')
  @Locked('seat:{params.id}')
  @CacheTxn()
  @Versioned()
  async buy(@Param('id') id: string, @CurrentLock() lock: Lock) {
    const sold = ((await this.cache.get<number>('sold')) ?? 0) + 1;
    await this.cache.setMany({ [`seat:${id}`]: 'sold', sold });
    return { seat: id, sold, fence: lock.fence };
  }

  @Post(':id/hold')
  async hold(@Param('id') id: string, @Body() { by }: { by: string }) {
    await this.cache.set(`hold:${id}`, by, { ttl: '2m' });
  }

  @Get(':id/hold')
  async holder(@Param('id') id: string) {
    return { by: (await this.cache.get<string>(`hold:${id}`)) ?? null };
  }
}

export interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** Sends a request to an application that listens. */
export async function send(app: INestApplication, method: string, path: string, body?: object): Promise<Answer> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
