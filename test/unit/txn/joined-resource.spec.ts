import { beforeEach, describe, expect, it } from '@jest/globals';
import { ResourceCall } from '../../../src/version/resource-call.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;

beforeEach(async () => {
  app = await new TxnWorld().process();
});

/** A PUT whose client holds an ETag that is long out of date. */
const staleWrite = (): ResourceCall => new ResourceCall('page', app.store, true, { kind: 'version', version: 1 });

describe('G32: a conditional write', () => {
  it.each(['required', 'nested'] as const)(
    'is refused inside a transaction that would commit it without its condition (%s)',
    async (propagation) => {
      const write = app.coordinator.run(() =>
        app.coordinator.execute({ propagation }, () => app.cache.set('page', 'new'), staleWrite()),
      );
      await expect(write).rejects.toMatchObject({ code: 'TXN_STATE', message: expect.stringContaining('If-Match') });
      expect(await app.cache.has('page')).toBe(false);
    },
  );

  it('begins its own transaction there when it says so, and its condition counts', async () => {
    const write = app.coordinator.run(() =>
      app.coordinator.execute({ propagation: 'requires_new' }, () => app.cache.set('page', 'new'), staleWrite()),
    );
    await expect(write).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  });
});
