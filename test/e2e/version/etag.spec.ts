import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, TxnScene } from '../../support/txn-scene.js';
import { etagOf, startEvents } from './events-app.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('the resource of @Versioned on %s', (adapter) => {
  it('G31: comes with its version as ETag, which answers 304 without running the method until it changes', async () => {
    const { send, cache, versions, course } = await startEvents(scene, adapter);
    await cache.set('event:1', { name: 'opera' });
    const first = await send('GET', '/events/1');
    expect([first.status, first.body, etagOf(first)]).toEqual([
      200,
      { event: { name: 'opera' }, runs: 1 },
      `"${await versions.current('event:1')}"`,
    ]);
    for (const tag of [etagOf(first), `W/${etagOf(first)}`, `"other", ${etagOf(first)}`, '*']) {
      const again = await send('GET', '/events/1', { headers: { 'if-none-match': tag } });
      expect([again.status, again.text, etagOf(again)]).toEqual([304, '', etagOf(first)]);
    }
    expect(course.runs).toBe(1);
    await cache.set('event:1', { name: 'ballet' });
    const changed = await send('GET', '/events/1', { headers: { 'if-none-match': etagOf(first) } });
    expect([changed.status, changed.body.event]).toEqual([200, { name: 'ballet' }]);
    expect(etagOf(changed)).not.toBe(etagOf(first));
  });

  it('G55: names no entry whose tag has been invalidated: neither with a 304 nor with an ETag', async () => {
    const { send, cache } = await startEvents(scene, adapter);
    await cache.set('event:1', { name: 'opera' }, { tags: ['season'] });
    const headers = { 'if-none-match': etagOf(await send('GET', '/events/1')) };
    expect((await send('GET', '/events/1', { headers })).status).toBe(304);
    await cache.invalidateTags('season');
    const changed = await send('GET', '/events/1', { headers });
    expect([changed.status, changed.body.event]).toEqual([200, null]);
    expect(etagOf(changed)).not.toBe(headers['if-none-match']);
  });

  it('G32: changes under the client’s If-Match, and answers the new ETag; the old one is a 412', async () => {
    const { send, cache } = await startEvents(scene, adapter);
    await cache.set('event:1', { seats: 1 });
    const read = await send('GET', '/events/1');
    const headers = { 'if-match': etagOf(read) };
    const patched = await send('PATCH', '/events/1', { headers, body: { seats: 2 } });
    expect(patched.status).toBe(200);
    expect(etagOf(patched)).toBe(etagOf(await send('GET', '/events/1')));
    const stale = await send('PATCH', '/events/1', { headers, body: { seats: 3 } });
    expect(etagOf(stale)).not.toBe(etagOf(patched));
    expect(stale).toMatchObject({ status: 412, body: { code: 'PRECONDITION_FAILED' } });
    expect(await cache.get('event:1')).toEqual({ seats: 2 });
    expect(
      (await send('PATCH', '/events/1', { headers: { 'if-match': etagOf(patched) }, body: { seats: 4 } })).status,
    ).toBe(200);
  });

  it('G31: has no tag of an entry that is not there turned into a 304: the answer may come from elsewhere', async () => {
    const { send } = await startEvents(scene, adapter);
    const first = await send('GET', '/events/1');
    expect([first.status, etagOf(first)]).toEqual([200, '"0"']);
    const second = await send('GET', '/events/1', { headers: { 'if-none-match': '"0"' } });
    expect([second.status, second.body]).toEqual([200, { event: null, runs: 2 }]);
  });
});

describe.each(ADAPTERS)('the ETag of a GET on %s', (adapter) => {
  it('G31: is that of what the method wrote itself', async () => {
    const { send, versions } = await startEvents(scene, adapter);
    const answer = await send('GET', '/events/1/loaded');
    expect(etagOf(answer)).toBe(`"${answer.body.version}"`);
    expect(answer.body.version).toBe(await versions.current('event:1'));
  });

  it('G31: works in a transaction, with HEAD, and is left out where it is switched off', async () => {
    const { send, cache, versions } = await startEvents(scene, adapter);
    await cache.set('event:1', 1);
    const tag = `"${await versions.current('event:1')}"`;
    expect(etagOf(await send('GET', '/events/1/in-transaction'))).toBe(tag);
    expect(await send('HEAD', '/events/1')).toMatchObject({ status: 200, headers: { etag: tag } });
    expect(await send('HEAD', '/events/1', { headers: { 'if-none-match': tag } })).toMatchObject({ status: 304 });
    const untagged = await send('GET', '/events/1/untagged', { headers: { 'if-none-match': tag } });
    expect([untagged.status, untagged.body.event, etagOf(untagged) === tag]).toEqual([200, 1, false]);
  });

  it.each([
    ['the first had read', 'in-transaction'],
    ['was read before the first', 'counted'],
  ])('G31: is that of the attempt that succeeded, which read again what %s', async (_what, path) => {
    const { send, cache, versions, course } = await startEvents(scene, adapter);
    await cache.set('event:1', 'old');
    course.letMeet(2);
    const answer = send('GET', `/events/1/${path}`);
    await eventually(() => course.waiting === 1);
    await cache.setMany({ 'event:1': 'new', counter: 0 });
    await course.meet();
    expect([(await answer).body, course.runs]).toEqual([{ event: 'new' }, 2]);
    expect(etagOf(await answer)).toBe(`"${await versions.current('event:1')}"`);
  });

  it('G31: does not go out with an error', async () => {
    const { send, cache, versions } = await startEvents(scene, adapter);
    await cache.set('event:1', 1);
    const answer = await send('GET', '/events/1/missing');
    expect(answer.status).toBe(404);
    expect(etagOf(answer)).not.toBe(`"${await versions.current('event:1')}"`);
  });
});
