import { Body, Controller, Inject, Param, Patch, Post } from '@nestjs/common';
import { Locked, TransactionalCache, Versioned } from 'nestjs-cache-txn';

/** Fails in every way that a test thinks up, inside a request. */
@Controller('said')
export class SaidController {
  static failures: Readonly<Record<string, () => Promise<unknown>>> = {};
  /** What the methods threw. */
  static readonly errors: unknown[] = [];

  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Post('failing/:how')
  async fail(@Param('how') how: string): Promise<unknown> {
    try {
      return await SaidController.failures[how]?.();
    } catch (error) {
      SaidController.errors.push(error);
      throw error;
    }
  }

  @Patch('documents/:id')
  @Versioned({ resource: 'document:{params.id}', requireIfMatch: true })
  async change(@Param('id') id: string, @Body() body: unknown): Promise<void> {
    await this.cache.set(`document:${id}`, body);
  }

  @Post('documents')
  @Locked('document:{body.id}')
  create(): string {
    return 'created';
  }
}
