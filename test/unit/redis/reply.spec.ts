import { describe, expect, it } from '@jest/globals';

import { StoreReplyError } from '../../../src/base/errors.js';
import { ReplyReader, unexpected } from '../../../src/redis/commands/reply.js';

const reader = (...fields: unknown[]): ReplyReader => ReplyReader.of(fields, 'lock-acquire');

describe('ReplyReader', () => {
  it('reads fields in order and knows when it is done', () => {
    const reply = reader('queued', 2, '1795339941418304', null, 'text', null, '7', ['nested']);
    expect(reply.text()).toBe('queued');
    expect(reply.item(['one', 'two'])).toBe('two');
    expect(reply.number()).toBe(1_795_339_941_418_304);
    expect(reply.optionalText()).toBeUndefined();
    expect(reply.optionalText()).toBe('text');
    expect(reply.optionalNumber()).toBeUndefined();
    expect(reply.optionalNumber()).toBe(7);
    expect(reply.isDone).toBe(false);
    expect(reply.list().text()).toBe('nested');
    expect(reply.isDone).toBe(true);
  });

  it.each([['text'], [null], [undefined], [1], [{ length: 1 }]])(
    'G41: a reply that is no list is refused: %j',
    (reply) => {
      expect(() => ReplyReader.of(reply, 'commit')).toThrow(StoreReplyError);
    },
  );

  it.each([
    ['text', (reply: ReplyReader) => reply.text(), [null, 1, [], {}, undefined]],
    ['optional text', (reply: ReplyReader) => reply.optionalText(), [1, [], {}, undefined]],
    [
      'number',
      (reply: ReplyReader) => reply.number(),
      [
        null,
        -1,
        1.5,
        Number.NaN,
        2 ** 53,
        '',
        '-1',
        '1.5',
        '1e3',
        '0x10',
        ' 1',
        '12345678901234567',
        '9007199254740992',
        [],
      ],
    ],
    ['optional number', (reply: ReplyReader) => reply.optionalNumber(), [-1, 'x', '', undefined]],
    ['list', (reply: ReplyReader) => reply.list(), [null, 'text', 1]],
    ['item', (reply: ReplyReader) => reply.item(['only']), [0, 2, -1, null, 'x']],
  ])('G41: refuses what is no %s', (_what, read, fields) => {
    for (const field of fields) expect(() => read(reader(field))).toThrow(StoreReplyError);
  });

  it('G41: refuses to read past the end', () => {
    expect(() => reader().text()).toThrow(StoreReplyError);
    const reply = reader(null);
    reply.optionalText();
    expect(() => reply.optionalText()).toThrow(/more than 1 fields/);
  });

  it('G42: names the kind of what came, never its content', () => {
    for (const content of ['SECRET', ['SECRET'], { SECRET: 1 }, null]) {
      const error = unexpected('commit', 'a whole number', content);
      expect(error).toMatchObject({ code: 'STORE_REPLY', retryable: false, details: { from: 'commit' } });
      expect(JSON.stringify([error.message, error.details])).not.toContain('SECRET');
    }
    expect(unexpected('commit', 'a list', null).message).toMatch(/commit answered nil where a list belongs/);
  });
});
