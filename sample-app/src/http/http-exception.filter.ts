import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, HttpStatus } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Gives the errors of this application the shape that those of nestjs-cache-txn have: `{ statusCode, code, message }`. */
@Catch(HttpException)
export class HttpExceptionFilter implements ExceptionFilter<HttpException> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: HttpException, host: ArgumentsHost): void {
    const statusCode = error.getStatus();
    const code = error.errorCode ?? HttpStatus[statusCode] ?? 'ERROR';
    const answer = { statusCode, code, message: messageOf(error) };
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), answer, statusCode);
  }
}

/** A failed validation has one message for each thing that is wrong. */
function messageOf(error: HttpException): unknown {
  const response = error.getResponse();
  return typeof response === 'object' && 'message' in response ? response.message : error.message;
}
