import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { Cached, type Call, FenceToken, Locked, Versioned } from 'nestjs-cache-txn';
import { id } from '../http/id.js';
import {
  event,
  type Event,
  EVENT_TTL,
  eventChanges,
  type EventChanges,
  eventPage,
  type EventPage,
  EVENTS_TAG,
  pageTags,
  PAGE_TTL,
} from './event.js';
import { EventsService } from './events.service.js';

const tagsOfPage = ({ request }: Call<{ params: { id: string } }>) => pageTags(encodeURIComponent(request.params.id));

@Controller('events')
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @Get()
  @Cached('events', { ttl: PAGE_TTL, public: true, tags: EVENTS_TAG })
  @ApiOperation({ summary: 'What is on' })
  @ApiOkResponse({ standardSchema: event, isArray: true })
  list(): Promise<Event[]> {
    return this.events.list();
  }

  @Get(':id/page')
  @Cached('event-page:{params.id}', { ttl: PAGE_TTL, public: true, tags: tagsOfPage })
  @ApiOperation({ summary: 'An event, and how many of its seats are not sold yet' })
  @ApiOkResponse({ standardSchema: eventPage })
  @ApiResponse({ status: 404, description: 'No such event' })
  page(@Param('id', { schema: id }) eventId: string): Promise<EventPage> {
    return this.events.page(eventId);
  }

  @Get(':id')
  @Cached('event:{params.id}', { ttl: EVENT_TTL, public: true })
  @ApiOperation({ summary: 'An event; its ETag is the version of its cache entry' })
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ standardSchema: event })
  @ApiResponse({ status: 304, description: 'The ETag in If-None-Match is current' })
  @ApiResponse({ status: 404, description: 'No such event' })
  get(@Param('id', { schema: id }) eventId: string): Promise<Event> {
    return this.events.load(eventId);
  }

  @Patch(':id')
  @Locked('event:{params.id}')
  @Versioned({ resource: 'event:{params.id}', requireIfMatch: true })
  @ApiOperation({ summary: 'Renames or reprices an event that nobody else has changed since it was read' })
  @ApiHeader({ name: 'If-Match', required: true })
  @ApiOkResponse({ standardSchema: event })
  @ApiResponse({ status: 412, description: 'Changed since, or the ETag has expired' })
  @ApiResponse({ status: 428, description: 'If-Match is missing' })
  update(
    @Param('id', { schema: id }) eventId: string,
    @Body({ schema: eventChanges }) changes: EventChanges,
    @FenceToken() fence: number,
  ): Promise<Event> {
    return this.events.update(eventId, changes, fence);
  }
}
