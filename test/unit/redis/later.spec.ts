import { describe, expect, it } from '@jest/globals';

import { Later } from '../../../src/redis/commands/later.js';

/** Commands that note the turn of the event loop in which they left. */
function sending(): { readonly send: (answer: number) => () => Promise<number>; readonly turns: number[] } {
  let turn = 0;
  const turns: number[] = [];
  const send = (answer: number) => (): Promise<number> => {
    if (turns.length === 0) setImmediate(() => (turn += 1));
    turns.push(turn);
    return answer < 0 ? Promise.reject(new Error('refused')) : Promise.resolve(answer);
  };
  return { send, turns };
}

describe('commands that nobody waits for', () => {
  it('leave together and later, each with an answer of its own', async () => {
    const later = new Later();
    const { send, turns } = sending();
    const running = [later.run(send(1)), later.run(send(-1)), later.run(send(3))];
    const settled = Promise.allSettled(running);
    expect(turns).toEqual([]);
    expect((await settled).map((each) => (each.status === 'fulfilled' ? each.value : 'refused'))).toEqual([
      1,
      'refused',
      3,
    ]);
    expect(turns).toEqual([0, 0, 0]);
  });

  it('leave at once when 64 of them wait, and only once', async () => {
    const later = new Later();
    const { send, turns } = sending();
    const running = Array.from({ length: 65 }, (_, n) => later.run(send(n)));
    expect(turns).toHaveLength(64);
    expect(await Promise.all(running)).toEqual(Array.from({ length: 65 }, (_, n) => n));
    expect(turns).toHaveLength(65);
  });
});
