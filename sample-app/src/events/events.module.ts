import { Module } from '@nestjs/common';
import { EventsController } from './events.controller.js';
import { EventsService } from './events.service.js';
import { EventsWarmer } from './events.warmer.js';

@Module({ controllers: [EventsController], providers: [EventsService, EventsWarmer], exports: [EventsService] })
export class EventsModule {}
