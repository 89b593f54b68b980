import { describe, expect, it } from '@jest/globals';
import { inSection } from '../../../src/base/section.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import { ResourceCall } from '../../../src/version/resource-call.js';

const RECORD = { value: '"old"', version: 7 };

function prefetched(): ResourceCall {
  const resource = new ResourceCall('page', memoryStore(), false, undefined);
  resource.prefetch(RECORD);
  return resource;
}

describe('what was read of a resource before its method ran', () => {
  it('serves the first read of the method, once', () => {
    const resource = prefetched();
    expect([resource.takePrefetched()?.record, resource.takePrefetched()]).toEqual([RECORD, undefined]);
  });

  it('is not served under a lock that was taken since: others may have written meanwhile', () => {
    const resource = prefetched();
    expect(inSection(() => resource.takePrefetched())).toBeUndefined();
  });

  it('is served under the lock that was there before', () => {
    inSection(() => {
      expect(prefetched().takePrefetched()?.record).toEqual(RECORD);
    });
  });
});
