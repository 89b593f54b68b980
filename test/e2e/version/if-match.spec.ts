import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ADAPTERS, TxnScene } from '../../support/txn-scene.js';
import { etagOf, type EventsApp, startEvents } from './events-app.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('a conditional write on %s', (adapter) => {
  async function race(
    app: EventsApp,
    callers: number,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<number[]> {
    app.course.letMeet(callers);
    const bodies = Array.from({ length: callers }, (_, by) => ({ by }));
    const answers = await Promise.all(bodies.map((body) => app.send(method, path, { headers, body })));
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(await app.cache.get('event:1')).toMatchObject({ by: winner });
    return answers.map(({ status }) => status).sort();
  }

  it.each(['/events/1', '/events/1/blind'])(
    'G32: of two PATCH %s with the same tag, both past their reads, exactly one succeeds',
    async (path) => {
      const app = await startEvents(scene, adapter);
      await app.cache.set('event:1', { by: 'nobody' });
      for (let round = 0; round < 10; round++) {
        const tag = etagOf(await app.send('GET', '/events/1'));
        expect(await race(app, 2, 'PATCH', path, { 'if-match': tag })).toEqual([200, 412]);
      }
      // Each method ran once: a client’s own condition is never retried.
      expect(app.course.runs).toBe(30);
    },
  );

  it('G32: of eight that create with If-None-Match: * exactly one succeeds', async () => {
    const app = await startEvents(scene, adapter);
    expect(await race(app, 8, 'PUT', '/events/1', { 'if-none-match': '*' })).toEqual([
      200,
      ...Array<number>(7).fill(412),
    ]);
    expect((await app.send('PUT', '/events/1', { headers: { 'if-none-match': '*' }, body: {} })).status).toBe(412);
  });

  it('G32: with If-Match: * needs an entry, and then loses no update of another', async () => {
    const app = await startEvents(scene, adapter);
    const headers = { 'if-match': '*' };
    expect(await app.send('PATCH', '/events/1', { headers, body: {} })).toMatchObject({ status: 412 });
    await app.cache.set('event:1', { by: 'nobody' });
    app.course.letMeet(2);
    const answers = await Promise.all(
      ['a', 'b'].map((name) => app.send('PATCH', '/events/1', { headers, body: { [name]: 1 } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await app.cache.get('event:1')).toEqual({ by: 'nobody', a: 1, b: 1 });
  });

  it('G32: takes a list, a tag that is not ours, and "0" for no entry', async () => {
    const { send, cache } = await startEvents(scene, adapter);
    const patch = async (tag: string): Promise<number> =>
      (await send('PATCH', '/events/1', { headers: { 'if-match': tag }, body: {} })).status;
    expect([await patch('"0"'), await patch('"0"')]).toEqual([200, 412]);
    const tag = etagOf(await send('GET', '/events/1'));
    expect(await patch('"abc"')).toBe(412);
    expect(await patch(`W/${tag}`)).toBe(412);
    expect(await patch(`"1", "abc", ${tag}`)).toBe(200);
    expect(await patch(`"1", ${tag}`)).toBe(412);
    expect(await cache.has('event:1')).toBe(true);
  });

  it('G32: without its required header is a 428 that says what to send, before the method runs', async () => {
    const { send, course } = await startEvents(scene, adapter);
    const answer = await send('PATCH', '/events/1/blind', { body: {} });
    expect(answer).toMatchObject({
      status: 428,
      body: { code: 'PRECONDITION_REQUIRED', message: expect.stringContaining('If-Match') },
    });
    expect(course.runs).toBe(0);
  });

  it('G32: makes the old tag useless whatever the method wrote, through other transactions of the call too', async () => {
    const { send, cache } = await startEvents(scene, adapter);
    await cache.set('event:1', { name: 'opera' });
    const tag = etagOf(await send('GET', '/events/1'));
    const touched = await send('POST', '/events/1/touch', { headers: { 'if-match': tag } });
    expect([touched.status, touched.body.runs]).toEqual([201, 2]);
    expect(await cache.getMany(['event:1', 'audit:1'])).toEqual(
      new Map<string, unknown>([
        ['event:1', { name: 'opera' }],
        ['audit:1', 1],
      ]),
    );
    expect(etagOf(touched)).toBe(etagOf(await send('GET', '/events/1')));
    expect((await send('POST', '/events/1/touch', { headers: { 'if-match': tag } })).status).toBe(412);
  });

  it('G32: deletes under its condition', async () => {
    const { send, cache } = await startEvents(scene, adapter);
    await cache.set('event:1', 1);
    const tag = etagOf(await send('GET', '/events/1'));
    await cache.set('event:1', 2);
    expect((await send('DELETE', '/events/1', { headers: { 'if-match': tag } })).status).toBe(412);
    const current = etagOf(await send('GET', '/events/1'));
    expect((await send('DELETE', '/events/1', { headers: { 'if-match': current } })).status).toBe(200);
    expect(await cache.has('event:1')).toBe(false);
  });
});
