import { Controller, Delete, Get, Header, Inject, Injectable, NotFoundException, Param, Put } from '@nestjs/common';
import {
  Cached,
  CacheEvict,
  CachePut,
  CacheTxn,
  CurrentTxn,
  Locked,
  type Transaction,
  TransactionalCache,
} from 'nestjs-cache-txn';
import { type Milestone, milestone } from '../../support/txn-world.js';

/** The rows behind the cache, and what happened to them. */
@Injectable()
export class Shelf {
  readonly titles = new Map([['1', 'Emma']]);
  reads = 0;
  door: Milestone | undefined;
  readonly begun: Milestone = milestone();

  async read(id: string): Promise<{ title: string; read: number }> {
    this.reads += 1;
    const read = this.reads;
    const title = this.titles.get(id);
    this.begun.reach();
    await this.door?.reached;
    if (title === undefined) throw new NotFoundException(`no book ${id}`);
    return { title, read };
  }
}

@Controller('books')
export class Books {
  constructor(
    @Inject(Shelf) private readonly shelf: Shelf,
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
  ) {}

  @Get(':id')
  @Header('x-own', 'kept')
  @Cached('book:{params.id}')
  get(@Param('id') id: string) {
    return this.shelf.read(id);
  }

  @Get(':id/kinds')
  @Cached('kinds:{params.id}')
  kinds() {
    return { at: new Date(0), cover: Buffer.from('a'), tags: new Set(['b']), none: undefined, ratio: NaN };
  }

  @Get(':id/kinds-uncached')
  kindsUncached() {
    return this.kinds();
  }

  @Get(':id/guarded')
  @Cached('guarded:{params.id}', { ttl: '1m' })
  @Locked('book:{params.id}', { wait: 0 })
  @CacheTxn()
  async guarded(@Param('id') id: string) {
    await this.cache.set('guarded reads', 1);
    return this.shelf.read(id);
  }

  @Get(':id/search')
  @Cached('search:{query.text}')
  search(@Param('id') id: string) {
    return this.shelf.read(id);
  }

  @Put(':id/search')
  @CacheEvict('search:{query.text}')
  forget(@Param('id') id: string) {
    return this.shelf.read(id);
  }

  @Put(':id/:title')
  @CacheEvict(['book:{params.id}', 'guarded:{params.id}'])
  rename(@Param('id') id: string, @Param('title') title: string) {
    if (title === 'refused') throw new Error('a bug');
    this.shelf.titles.set(id, title);
    return { title };
  }

  @Put(':id/:title/put')
  @CachePut('book:{params.id}', { ttl: '1m' })
  put(@Param('title') title: string) {
    return title === 'nothing' ? undefined : { title };
  }

  @Delete(':id/:how')
  @CacheTxn()
  @CacheEvict('book:{params.id}')
  remove(@Param('how') how: string, @CurrentTxn() txn: Transaction) {
    if (how === 'undone') txn.setRollbackOnly('on second thoughts');
    return { how };
  }
}
