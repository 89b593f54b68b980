import { describe, expect, it } from '@jest/globals';
import { type ArgumentsHost, Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { InvalidOptionsError, LockTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import { CacheTxnErrorFilter } from '../../../src/module/error-filter/cache-txn-error.filter.js';

const error = new LockTimeoutError('busy', { details: { remainingMs: 2_500.4, key: 'planted' } });
const filter = new CacheTxnErrorFilter({} as HttpAdapterHost);

/** What Nest gives a filter. */
function hostOf(type: string, args: readonly unknown[]): ArgumentsHost {
  return {
    getType: () => type,
    getArgByIndex: (index: number) => args[index],
    switchToWs: () => ({ getClient: () => args[0], getPattern: () => args.at(-1) }),
  } as unknown as ArgumentsHost;
}

const payload = {
  status: 'error',
  code: 'LOCK_TIMEOUT',
  message: 'busy',
  retryable: true,
  retryAfterMs: 2_501,
  cause: { pattern: 'buy' },
};

describe('the filter for errors of the library', () => {
  it('sends an exception through a native WebSocket, whose own events stay in this process', () => {
    const sent: string[] = [];
    const emitted: unknown[] = [];
    const client = {
      readyState: 1,
      send: (text: string) => sent.push(text),
      emit: (event: string) => emitted.push(event),
    };
    filter.catch(error, hostOf('ws', [client, { id: '7' }, 'buy']));
    expect(sent.map((text) => JSON.parse(text) as unknown)).toEqual([{ event: 'exception', data: payload }]);
    expect(emitted).toEqual([]);
  });

  it('emits it on a socket of socket.io, and acknowledges where the client asked for it', () => {
    const emitted: unknown[] = [];
    const acknowledged: unknown[] = [];
    const client = { emit: (...parts: unknown[]) => emitted.push(parts) };
    filter.catch(error, hostOf('ws', [client, {}, undefined, 'buy']));
    filter.catch(error, hostOf('ws', [client, {}, (answer: unknown) => acknowledged.push(answer), 'buy']));
    expect(emitted).toEqual([
      ['exception', payload],
      ['exception', payload],
    ]);
    expect(acknowledged).toEqual([payload]);
  });

  it('logs where a mistake in the program was made, and of what a server is to blame for one line only', () => {
    const logged: unknown[][] = [];
    const logger = {
      error: (...parts: unknown[]) => void logged.push(parts),
      log: () => undefined,
      warn: () => undefined,
    };
    Logger.overrideLogger(logger);
    try {
      const mistake = new InvalidOptionsError('a typo');
      for (const thrown of [mistake, new StoreUnavailableError('away')]) {
        expect(() => filter.catch(thrown, hostOf('graphql', []))).toThrow(
          thrown.code === 'INVALID_OPTIONS' ? 'Internal server error' : 'away',
        );
      }
      expect(mistake.stack).toContain('error-filter.spec');
      expect(logged).toEqual([
        ['INVALID_OPTIONS: a typo', mistake.stack, 'CacheTxn'],
        ['STORE_UNAVAILABLE: away', undefined, 'CacheTxn'],
      ]);
    } finally {
      Logger.overrideLogger(true);
    }
  });

  it('leaves the error as it is to transports that it does not know', () => {
    expect(() => filter.catch(error, hostOf('rmq', []))).toThrow(error);
  });
});
