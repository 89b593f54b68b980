import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { CacheTxn, Locked } from 'nestjs-cache-txn';
import { id } from '../http/id.js';
import { holdRequest, type HoldRequest, seat, type Seat } from './seat.js';
import { SeatsService } from './seats.service.js';

@Controller()
export class SeatsController {
  constructor(private readonly seats: SeatsService) {}

  @Get('events/:id/seats')
  @ApiOperation({ summary: 'All seats of an event' })
  @ApiOkResponse({ standardSchema: seat, isArray: true })
  @ApiResponse({ status: 404, description: 'No such event' })
  list(@Param('id', { schema: id }) eventId: string): Promise<Seat[]> {
    return this.seats.list(eventId);
  }

  @Post('seats/:id/hold')
  @HttpCode(HttpStatus.OK)
  @Locked('seat:{params.id}')
  @CacheTxn()
  @ApiOperation({ summary: 'Keeps a seat for a buyer for five minutes' })
  @ApiOkResponse({ standardSchema: seat })
  @ApiResponse({ status: 404, description: 'No such seat or wallet' })
  @ApiResponse({ status: 409, description: 'Sold, or held for somebody else' })
  hold(@Param('id', { schema: id }) seatId: string, @Body({ schema: holdRequest }) body: HoldRequest): Promise<Seat> {
    return this.seats.hold(seatId, body.buyer);
  }
}
