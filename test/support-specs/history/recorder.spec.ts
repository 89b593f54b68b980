import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { StoreTimeoutError, StoreUnavailableError, TransactionInDoubtError } from '../../../src/base/errors.js';
import { fileRecorder, memoryHistory, mergeHistories } from '../../support/history/recorder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a recorder', () => {
  it.each([
    [undefined, 'ok'],
    [new StoreUnavailableError('x'), 'failed'],
    [new StoreTimeoutError('x'), 'failed'],
    [new TransactionInDoubtError('x'), 'unknown'],
  ])('writes down that a call which ends with %s is %s', async (error, outcome) => {
    const { recorder, events } = memoryHistory('ann');
    await recorder.call('lock', 50, async () => {
      if (error) throw error;
    });
    expect(events).toMatchObject([
      { kind: 'begin', op: 'ann#1', action: 'lock', withinMs: 50, actor: 'ann' },
      { kind: 'settle', op: 'ann#1', outcome, code: error?.code },
    ]);
  });

  it('gives no id twice, whoever asks', () => {
    const { recorder } = memoryHistory('ann');
    const ids = [recorder, recorder.as('bob'), recorder.as('bob'), recorder].map((one) => one.newId());
    expect(new Set(ids).size).toBe(4);
  });

  it('names an error without a code, which no caller should ever meet', async () => {
    const { recorder, events } = memoryHistory('ann');
    await recorder.call('lock', 50, () => Promise.reject(new TypeError('oops')));
    expect(events[1]).toMatchObject({ outcome: 'failed', code: 'unexpected TypeError: oops' });
  });

  it('merges the files of several processes by the clock of the machine, and forgives the torn end of a killed one', () => {
    const [ann, bob] = [join(folder, 'ann'), join(folder, 'bob')];
    const { recorder, events } = memoryHistory('test');
    fileRecorder('ann', ann).record({ kind: 'incident', what: 'first' });
    fileRecorder('bob', bob).record({ kind: 'incident', what: 'second' });
    recorder.record({ kind: 'incident', what: 'third' });
    fileRecorder('ann', ann).record({ kind: 'incident', what: 'fourth' });
    appendFileSync(ann, '{"kind":"incid');
    const merged = mergeHistories(bob, events, ann);
    expect(merged.map((event) => [event.actor, 'what' in event && event.what])).toEqual([
      ['ann', 'first'],
      ['bob', 'second'],
      ['test', 'third'],
      ['ann', 'fourth'],
    ]);
    appendFileSync(ann, '\n{}\n');
    expect(() => mergeHistories(ann)).toThrow(SyntaxError);
  });
});
