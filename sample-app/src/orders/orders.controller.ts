import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { CacheTxn, Locked, Versioned } from 'nestjs-cache-txn';
import { id } from '../http/id.js';
import { order, type Order, orderRequest, type OrderRequest } from './order.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  // @Versioned runs the method again when a conflict refused its commit, which left nothing in SQL either.
  @Post()
  @Locked(['seat:{body.seatId}', 'wallet:{body.buyer}'])
  @Versioned()
  @CacheTxn()
  @ApiOperation({ summary: 'Buys a seat; the price is taken from the wallet' })
  @ApiCreatedResponse({ standardSchema: order })
  @ApiResponse({ status: 402, description: 'Not enough money' })
  @ApiResponse({ status: 404, description: 'No such seat or wallet' })
  @ApiResponse({ status: 409, description: 'Sold, or held for somebody else' })
  place(@Body({ schema: orderRequest }) body: OrderRequest): Promise<Order> {
    return this.orders.place(body);
  }

  @Get(':id')
  @ApiOperation({ summary: 'An order' })
  @ApiOkResponse({ standardSchema: order })
  @ApiResponse({ status: 404, description: 'No such order' })
  get(@Param('id', { schema: id }) orderId: string): Promise<Order> {
    return this.orders.get(orderId);
  }
}
