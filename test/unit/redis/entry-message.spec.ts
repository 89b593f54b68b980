import { describe, expect, it } from '@jest/globals';

import { readChanges } from '../../../src/redis/bus/entry-message.js';
import { NO_VERSION } from '../../../src/store/entry-changes.js';

describe('a message about changed entries', () => {
  it('has a key and a version for each, or none that a copy may have', () => {
    expect(readChanges('["a","1764467000000001","b\\u0000","",":e:","7"]')).toEqual([
      { key: 'a', version: 1_764_467_000_000_001 },
      { key: 'b\0', version: NO_VERSION },
      { key: ':e:', version: 7 },
    ]);
  });

  it.each([
    '',
    'text',
    '{}',
    '"a"',
    '["a"]',
    '["a",1]',
    '["a","x"]',
    '["a","-1"]',
    '["a","12345678901234567"]',
    '[1,"1"]',
  ])('is none of ours: %s', (message) => {
    expect(readChanges(message)).toBeUndefined();
  });
});
