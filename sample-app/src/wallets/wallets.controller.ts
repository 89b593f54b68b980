import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { CacheTxn, Locked } from 'nestjs-cache-txn';
import { id } from '../http/id.js';
import { transfer, type Transfer, transferred, type Transferred, wallet, type Wallet } from './wallet.js';
import { WalletsService } from './wallets.service.js';

@Controller()
export class WalletsController {
  constructor(private readonly wallets: WalletsService) {}

  @Get('wallets/:id')
  @ApiOperation({ summary: 'A wallet and its balance' })
  @ApiOkResponse({ standardSchema: wallet })
  @ApiResponse({ status: 404, description: 'No such wallet' })
  get(@Param('id', { schema: id }) walletId: string): Promise<Wallet> {
    return this.wallets.get(walletId);
  }

  // Two transfers that name the same wallets the other way round do not deadlock: the locks are taken all at once.
  @Post('transfers')
  @HttpCode(HttpStatus.OK)
  @Locked(['wallet:{body.from}', 'wallet:{body.to}'])
  @CacheTxn()
  @ApiOperation({ summary: 'Moves money between two wallets' })
  @ApiOkResponse({ standardSchema: transferred })
  @ApiResponse({ status: 402, description: 'Not enough money' })
  @ApiResponse({ status: 404, description: 'No such wallet' })
  transfer(@Body({ schema: transfer }) body: Transfer): Promise<Transferred> {
    return this.wallets.transfer(body);
  }
}
