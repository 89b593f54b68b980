import { HttpException, type HttpStatus } from '@nestjs/common';

/** A request that the box office understands and turns down; `code` tells programs why. */
export class Refusal extends HttpException {
  constructor(status: HttpStatus, code: string, message: string) {
    super(message, status, { errorCode: code });
  }
}
