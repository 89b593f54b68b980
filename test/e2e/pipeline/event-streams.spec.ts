import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { firstValueFrom, interval, map, NEVER, tap, type Observable } from 'rxjs';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import { eventually } from '../../support/eventually.js';
import { keep } from './kept-calls.js';
import { ADAPTERS, closeApps, Lend, startApp } from './start-app.js';

afterEach(closeApps);

const TICK_MS = 5;

describe.each(ADAPTERS)('an event stream on %s under a layer that does not own the answer', (adapter) => {
  it('streams while the layer is around it, and both end when the client leaves', async () => {
    const kept = keep();
    const sent: number[] = [];
    @Controller()
    class Ticks {
      @Sse()
      @Lend(kept.behaviour)
      ticks(): Observable<MessageEvent> {
        return interval(TICK_MS).pipe(
          tap((n) => sent.push(n)),
          map((n) => ({ data: { n } })),
        );
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    const client = new AbortController();
    const response = await fetch(url, { signal: client.signal });
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('data: {"n":0}')) text += new TextDecoder().decode((await reader.read()).value);
    expect(kept.ends).toEqual([]);
    client.abort();
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends[0]).toBeInstanceOf(TransactionAbortedError);
    const count = sent.length;
    // Timers of one length fire in the order in which they were set: the stream's would have fired before this one.
    await firstValueFrom(interval(TICK_MS));
    expect(sent).toHaveLength(count);
  });

  it('ends with the client even before its first event', async () => {
    const kept = keep();
    @Controller()
    class Ticks {
      @Sse()
      @Lend(kept.behaviour)
      ticks(): Observable<MessageEvent> {
        return NEVER;
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    const client = new AbortController();
    await fetch(url, { signal: client.signal });
    client.abort();
    await eventually(() => kept.ends.length === 1);
    expect(kept.ends[0]).toBeInstanceOf(TransactionAbortedError);
  });

  it('ends without an event when the layer does not let it run', async () => {
    @Controller()
    class Ticks {
      @Sse()
      @Lend(async (call) => {
        call.http?.setStatus(204);
        return [];
      })
      ticks(): Observable<MessageEvent> {
        throw new Error('must not run');
      }
    }
    const { url } = await startApp({ controllers: [Ticks] }, adapter);
    expect((await (await fetch(url)).text()).trim()).toBe('');
  });
});
