import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { Cached, FenceToken, Locked, Versioned } from 'nestjs-cache-txn';
import { id } from '../http/id.js';
import { event, type Event, EVENT_TTL, eventChanges, type EventChanges } from './event.js';
import { EventsService } from './events.service.js';

@Controller('events')
export class EventsController {
  constructor(private readonly events: EventsService) {}

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
