import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';

import { withoutSecrets } from '../../../src/redis/connection/safe-error.js';

function dump(error: unknown): string {
  return inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error) + String((error as Error).stack);
}

describe('withoutSecrets', () => {
  it('G42: leaves out the command that ioredis hangs on its errors, with its arguments', () => {
    const error = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      name: 'ReplyError',
      command: { name: 'auth', args: ['SECRET'] },
    });
    const safe = withoutSecrets(error);
    expect(dump(error)).toContain('SECRET');
    expect(dump(safe)).not.toContain('SECRET');
    expect(safe).toMatchObject({ name: 'ReplyError', message: error.message });
    expect(safe.stack).toBe(error.stack);
  });

  it('G42: leaves out the arguments that a server repeats when it does not know a command', () => {
    const error = new Error("ERR unknown command 'auth', with args beginning with: 'SECRET' 'more' ");
    const safe = withoutSecrets(error);
    expect(safe.message).toBe("ERR unknown command 'auth'");
    expect(dump(safe)).not.toContain('SECRET');
    expect(safe.stack).toContain('safe-error.spec');
  });

  it('G42: looks into the error of a cluster’s node, and tells it', () => {
    const node = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['SECRET'] } });
    const safe = withoutSecrets(Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: node }));
    expect(dump(safe)).not.toContain('SECRET');
    expect(safe.message).toBe('Failed to refresh slots cache. (WRONGPASS)');
  });

  it('tells every address of a host that refused, whose common error has no message', () => {
    const refusals = [new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')];
    const safe = withoutSecrets(Object.assign(new AggregateError(refusals), { code: 'ECONNREFUSED' }));
    expect(safe.message).toBe('connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1');
    expect(safe).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('makes an error of what is none', () => {
    expect(withoutSecrets('text').message).toBe('text');
  });
});
