import { Injectable } from '@nestjs/common';
import { type CacheWarmer, WarmsCache } from 'nestjs-cache-txn';
import { type Event, EVENT_TTL, eventKey } from './event.js';
import { EventsService } from './events.service.js';

/** Loads all events when a box office starts: one process of all does it, with one query for a hundred of them. */
@WarmsCache('events', { ttl: EVENT_TTL, required: true })
@Injectable()
export class EventsWarmer implements CacheWarmer<Event> {
  constructor(private readonly events: EventsService) {}

  async keys(): Promise<string[]> {
    return (await this.events.list()).map(({ id }) => eventKey(id));
  }

  async load(keys: readonly string[]): Promise<ReadonlyMap<string, Event>> {
    const events = await this.events.some(keys.map((key) => key.slice(eventKey('').length)));
    return new Map(events.map((event) => [eventKey(event.id), event]));
  }
}
