import { beforeEach, describe, expect, it } from '@jest/globals';
import { CacheEvict } from '../../../src/cache/decorators/cache-evict.decorator.js';
import { CacheEvictLayer } from '../../../src/cache/decorators/cache-write.layer.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { makeCall } from '../pipeline/make-call.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
});

interface Row {
  readonly version: number;
}

describe('@CacheEvict with a floor', () => {
  class Rows {
    @CacheEvict('row:{args.0}', { floor: ({ version }: Row) => version })
    save(): void {}
  }

  it.each([
    ['text', '7'],
    ['null', null],
    ['nothing', undefined],
  ])(
    'G58: refuses a version that is %s, as sourceVersion does, and does not evict without a floor',
    async (_what, version) => {
      const sourceVersion = (row: Row): number => row.version;
      await app.cache.set('row:1', { version: 1 }, { sourceVersion });
      const layer = new CacheEvictLayer(app.cache);
      const around = layer.prepare(describeMethod(Rows, 'save', Rows.prototype.save, 'provider'));
      const call = around(makeCall({ args: ['1'] }), async () => [{ version }]);
      await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );
});
