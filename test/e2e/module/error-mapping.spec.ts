import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  Get,
  type ExceptionFilter,
  Param,
  Res,
  UseFilters,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import * as library from 'nestjs-cache-txn';
import { CacheTxnError, type CacheTxnErrorCode, type ErrorDetails, memoryStore } from 'nestjs-cache-txn';
import { ADAPTERS, type TxnApp, TxnScene } from '../../support/txn-scene.js';

type ErrorClass = new (message: string, context?: { details?: ErrorDetails; cause?: unknown }) => CacheTxnError;

const classes = Object.values(library)
  .filter((value) => typeof value === 'function' && value.prototype instanceof CacheTxnError)
  .map((value) => value as unknown as ErrorClass);

/** The contract of docs/errors.md. */
const ANSWERS: Readonly<Record<CacheTxnErrorCode, readonly [status: number, retryAfter?: string]>> = {
  LOCK_TIMEOUT: [423, '1'],
  LOCK_LOST: [503],
  VERSION_CONFLICT: [409],
  PRECONDITION_FAILED: [412],
  PRECONDITION_REQUIRED: [428],
  TXN_TIMEOUT: [503],
  TXN_IN_DOUBT: [503, '1'],
  TXN_ROLLED_BACK: [409],
  TXN_ABORTED: [503],
  TXN_STATE: [500],
  LOAD_TIMEOUT: [503, '1'],
  STORE_UNAVAILABLE: [503, '1'],
  STORE_TIMEOUT: [503, '1'],
  STORE_REPLY: [500],
  KEY_TEMPLATE: [400],
  LIMIT_EXCEEDED: [413],
  SHUTTING_DOWN: [503, '1'],
  INVALID_OPTIONS: [500],
};

let details: ErrorDetails = {};

@Catch(library.VersionConflictError)
class Own implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): void {
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: unknown): void } }>()
      .status(499)
      .send({ own: true });
  }
}

@Controller('fail')
class Failing {
  @Get('own/:code')
  @UseFilters(Own)
  own(@Param('code') code: string): never {
    return this.fail(code);
  }

  /** Answers by itself, and fails afterwards. */
  @Get('late/:code')
  late(@Param('code') code: string, @Res() response: { send(body: string): void }): never {
    response.send('answered');
    return this.fail(code);
  }

  /** Fails in the middle of its answer. */
  @Get('half/:code')
  half(@Param('code') code: string, @Res() response: { raw?: ServerResponse } & ServerResponse): never {
    const raw = response.raw ?? response;
    raw.writeHead(200);
    raw.write('half an ');
    return this.fail(code);
  }

  @Get(':code')
  fail(@Param('code') code: string): never {
    const Class = classes.find((candidate) => new candidate('m').code === code);
    if (Class === undefined) throw new Error(`no error has the code ${code}`);
    throw new Class(`what happened: ${code}`, { details, cause: new Error('planted cause') });
  }
}

describe.each(ADAPTERS)('an error of the library over %s', (adapter) => {
  let scene: TxnScene;
  let app: TxnApp;
  beforeAll(async () => {
    scene = await TxnScene.start();
    app = await scene.app({ controllers: [Failing], module: { store: memoryStore() }, adapter });
  });
  afterAll(() => scene.stop());

  it.each(Object.entries(ANSWERS))('%s answers %j', async (code, [status, retryAfter]) => {
    details = {};
    const answer = await app.send('GET', `/fail/${code}`);
    const message = status === 500 ? 'Internal server error' : `what happened: ${code}`;
    expect([answer.status, answer.headers['retry-after'], answer.body]).toEqual([
      status,
      retryAfter,
      { statusCode: status, code, message },
    ]);
  });

  it.each([
    [0, '1'],
    [1, '1'],
    [1_001, '2'],
    [59_000, '59'],
    [86_400_000, '60'],
    ['soon', '1'],
  ])('has a Retry-After that fits a remaining lease of %s ms', async (remainingMs, seconds) => {
    details = { remainingMs };
    expect((await app.send('GET', '/fail/LOCK_TIMEOUT')).headers['retry-after']).toBe(seconds);
  });

  it('is logged when the server is to blame, with code and message and nothing else', async () => {
    details = { key: 'planted detail' };
    const before = app.log.length;
    await app.send('GET', '/fail/PRECONDITION_FAILED');
    await app.send('GET', '/fail/STORE_UNAVAILABLE');
    expect(app.log.slice(before)).toEqual(['STORE_UNAVAILABLE: what happened: STORE_UNAVAILABLE CacheTxn']);
  });

  it('ends an answer that has begun, and harms nobody where it comes after the answer', async () => {
    for (const code of ['LOCK_LOST', 'STORE_UNAVAILABLE']) {
      expect(await app.send('GET', `/fail/late/${code}`)).toMatchObject({ status: 200, text: 'answered' });
      expect(await app.send('GET', `/fail/half/${code}`)).toMatchObject({ status: 200, text: 'half an ' });
    }
    expect((await app.send('GET', '/fail/LOCK_LOST')).status).toBe(503);
  });

  it('goes to a filter of the application that is nearer', async () => {
    expect(await app.send('GET', '/fail/own/VERSION_CONFLICT')).toMatchObject({ status: 499, body: { own: true } });
    expect(await app.send('GET', '/fail/own/LOCK_LOST')).toMatchObject({ status: 503, body: { code: 'LOCK_LOST' } });
  });

  it('is left to Nest, as any other error, where errorFilter is false', async () => {
    const plain = await scene.app({
      controllers: [Failing],
      module: { store: memoryStore(), errorFilter: false },
      adapter,
    });
    const answer = await plain.send('GET', '/fail/VERSION_CONFLICT');
    expect([answer.status, answer.body]).toEqual([500, { statusCode: 500, message: 'Internal server error' }]);
  });
});

it('the contract knows every code', () => {
  expect(classes.map((Class) => new Class('m').code).sort()).toEqual(Object.keys(ANSWERS).sort());
});
