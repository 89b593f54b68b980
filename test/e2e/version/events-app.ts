import {
  Body,
  Controller,
  Delete,
  Get,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  Patch,
  Post,
  Put,
} from '@nestjs/common';
import { CacheTxn, TransactionalCache, TransactionCoordinator, Versioned, VersionService } from 'nestjs-cache-txn';
import type { ADAPTERS, Answer, TxnApp, TxnScene } from '../../support/txn-scene.js';
import { milestone, type Milestone } from '../../support/txn-world.js';

const RESOURCE = { resource: 'event:{params.id}', backoff: { initial: 0 } } as const;
/** What the methods below have done, and where they wait for each other when a test wants them to. */
export class Course {
  runs = 0;
  private meeting: { readonly all: Milestone; readonly awaited: number; present: number } | undefined;

  /** The next calls wait, after their reads, until so many are there. */
  letMeet(awaited: number): void {
    this.meeting = { all: milestone(), awaited, present: 0 };
  }

  /** How many wait. */
  get waiting(): number {
    return this.meeting?.present ?? 0;
  }

  async meet(): Promise<void> {
    const { meeting } = this;
    if (meeting === undefined) return;
    meeting.present += 1;
    if (meeting.present === meeting.awaited) {
      meeting.all.reach();
      this.meeting = undefined;
    }
    await meeting.all.reached;
  }
}

@Injectable()
class Audit {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @CacheTxn({ propagation: 'requires_new' })
  async note(id: string): Promise<void> {
    await this.cache.update<number>(`audit:${id}`, (n = 0) => n + 1);
  }
}

@Controller('events')
class Events {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) private readonly coordinator: TransactionCoordinator,
    @Inject(VersionService) private readonly versions: VersionService,
    @Inject(Audit) private readonly audit: Audit,
    @Inject(Course) private readonly course: Course,
  ) {}

  @Get(':id')
  @Versioned(RESOURCE)
  async find(@Param('id') id: string) {
    this.course.runs += 1;
    return { event: (await this.cache.get(`event:${id}`)) ?? null, runs: this.course.runs };
  }

  @Get(':id/loaded')
  @Versioned(RESOURCE)
  async loaded(@Param('id') id: string) {
    await this.coordinator.run(() => this.cache.set(`event:${id}`, 'loaded'));
    return { version: await this.versions.current(`event:${id}`) };
  }

  @Get(':id/missing')
  @Versioned(RESOURCE)
  async missing(): Promise<never> {
    return Promise.reject(new NotFoundException());
  }

  @Get(':id/in-transaction')
  @CacheTxn({ readOnly: true })
  @Versioned(RESOURCE)
  async inTransaction(@Param('id') id: string) {
    this.course.runs += 1;
    const event = (await this.cache.get(`event:${id}`)) ?? null;
    await this.course.meet();
    return { event };
  }

  @Get(':id/counted')
  @Versioned(RESOURCE)
  async counted(@Param('id') id: string) {
    this.course.runs += 1;
    const version = await this.versions.current('counter');
    await this.course.meet();
    await this.versions.compareAndSet('counter', version, this.course.runs);
    return { event: (await this.cache.get(`event:${id}`)) ?? null };
  }

  @Get(':id/untagged')
  @Versioned({ ...RESOURCE, etag: false })
  async untagged(@Param('id') id: string) {
    this.course.runs += 1;
    return { event: (await this.cache.get(`event:${id}`)) ?? null };
  }

  @Patch(':id')
  @Versioned(RESOURCE)
  async patch(@Param('id') id: string, @Body() change: object) {
    this.course.runs += 1;
    const event = await this.cache.get<object>(`event:${id}`);
    await this.course.meet();
    await this.cache.set(`event:${id}`, { ...event, ...change });
    return { runs: this.course.runs };
  }

  @Patch(':id/blind')
  @Versioned({ ...RESOURCE, requireIfMatch: true })
  async blind(@Param('id') id: string, @Body() change: object) {
    this.course.runs += 1;
    await this.course.meet();
    await this.cache.set(`event:${id}`, change);
    return {};
  }

  @Put(':id')
  @Versioned(RESOURCE)
  async put(@Param('id') id: string, @Body() event: object) {
    this.course.runs += 1;
    await this.course.meet();
    await this.cache.set(`event:${id}`, event);
    return {};
  }

  @Post(':id/touch')
  @Versioned(RESOURCE)
  async touch(@Param('id') id: string) {
    await this.audit.note(id);
    return { runs: (this.course.runs += 1) };
  }

  @Delete(':id')
  @Versioned(RESOURCE)
  async remove(@Param('id') id: string) {
    await this.cache.delete(`event:${id}`);
  }
}

export interface EventsApp extends TxnApp {
  readonly course: Course;
}

/** An application whose routes are about events, which are versioned. */
export async function startEvents(scene: TxnScene, adapter: (typeof ADAPTERS)[number] = 'express'): Promise<EventsApp> {
  const app = await scene.app({ controllers: [Events], providers: [Audit, Course], adapter });
  return { ...app, course: app.app.get(Course) };
}

export const etagOf = (answer: Answer): string => String(answer.headers['etag']);
