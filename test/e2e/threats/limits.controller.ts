import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { CacheTxn, Locked, TransactionalCache, Versioned } from 'nestjs-cache-txn';

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);

/** Methods that do as much as their caller asks for. */
@Controller('much')
export class LimitsController {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Post('names')
  @Locked(({ request }) => names((request['body'] as { count: number }).count))
  names(): string {
    return 'held';
  }

  @Post('keys')
  @CacheTxn()
  async keys(@Body('count') count: number): Promise<void> {
    await this.cache.setMany(Object.fromEntries(names(count).map((name) => [name, 1])));
  }

  @Post('reads')
  @CacheTxn()
  async reads(@Body('count') count: number): Promise<number> {
    return (await this.cache.getMany(names(count))).size;
  }

  @Post('reads-alone')
  async readsAlone(@Body('count') count: number): Promise<number> {
    return (await this.cache.getMany(names(count))).size;
  }

  @Post('value')
  @CacheTxn()
  async value(@Body('bytes') bytes: number): Promise<void> {
    // The quotes of JSON are two more.
    await this.cache.set('value', 'x'.repeat(bytes - 2));
  }

  @Post('values')
  @CacheTxn()
  async values(@Body('bytes') bytes: readonly number[]): Promise<void> {
    for (const [i, size] of bytes.entries()) await this.cache.set(`value-${i}`, 'x'.repeat(size - 2));
  }

  @Post('key/:id')
  @Locked('{params.id}')
  @CacheTxn()
  async key(@Param('id') id: string): Promise<void> {
    await this.cache.set(id, 1);
  }

  /** Keeps the body of the request under the id. */
  @Post('kept/:id')
  @CacheTxn()
  async keep(@Param('id') id: string, @Body() body: unknown): Promise<void> {
    await this.cache.set(id, body);
  }

  @Get('kept/:id')
  @Versioned({ resource: '{params.id}' })
  async kept(@Param('id') id: string): Promise<unknown> {
    return { kept: (await this.cache.get(id)) ?? 'nothing' };
  }
}
