import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseCommandLine } from '../../bench/src/command-line.mjs';
import { summarizeProfile } from '../../bench/src/measure/profile.mjs';
import { figures, interleavedRounds, rotated } from '../../bench/src/measure/rounds.mjs';
import { median, quantile, ratios, slope, summarize } from '../../bench/src/measure/statistics.mjs';
import { startWorker } from '../../bench/src/measure/worker.mjs';
import { drawChart } from '../../bench/src/report/chart.mjs';
import { replaceBetween } from '../../bench/src/report/readme.mjs';
import { markdownTable, textTable } from '../../bench/src/report/table.mjs';
import { SCENARIOS } from '../../bench/src/scenarios/scenario.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../../bench/src/main.mjs', import.meta.url));

describe('the benchmark', () => {
  it('names its scenarios without anything installed', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--list']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(Object.keys(SCENARIOS));
  });

  it.each([
    ['--list', 'queue '],
    ['--help', '--list'],
  ])('builds nothing to answer %s', async (option, answer) => {
    const args = ['run', '--loglevel', 'notice', 'bench', '--', option];
    const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT });
    expect(stdout).toContain(answer);
    // npm prints each script with its name, and below it what the script runs.
    expect(stdout.match(/^> .*$/gm)?.slice(1)).toEqual([`> node bench/src/main.mjs ${option}`]);
  });

  it('refuses options and scenarios that it does not know', async () => {
    expect(() => parseCommandLine(['--fast'])).toThrow('Unknown option');
    expect(() => parseCommandLine(['--rounds', '0'])).toThrow('--rounds');
    expect(parseCommandLine(['--only', 'queue', '--quick', '--rounds', '7'])).toMatchObject({
      only: ['queue'],
      quick: true,
      rounds: 7,
    });
    await expect(promisify(execFile)(process.execPath, [MAIN, '--only', 'nothing'])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no scenario is named nothing'),
    });
  });
});

describe('statistics', () => {
  it('interpolates quantiles, whatever the order of the values', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([10, 20, 30, 40, 50], 0.99)).toBeCloseTo(49.6);
    expect(summarize([4, 1, 3, 2, 5])).toEqual({ median: 3, low: 2, high: 4, min: 1, max: 5, count: 5 });
  });

  it('takes ratios within a round, not of medians', () => {
    expect(median(ratios([10, 2, 30], [20, 4, 30]))).toBe(0.5);
    expect(() => ratios([1], [1, 2])).toThrow('same rounds');
  });

  it('finds the slope of a line', () => {
    expect(
      slope([
        [0, 7],
        [1, 9],
        [2, 11],
      ]),
    ).toBeCloseTo(2);
  });
});

describe('interleaved rounds', () => {
  it('gives every contender every place equally often', () => {
    const names = ['a', 'b', 'c'];
    const orders = [0, 1, 2, 3, 4, 5].map((round) => rotated(names, round).join(''));
    expect(orders).toEqual(['abc', 'bca', 'cab', 'cba', 'acb', 'bac']);
  });

  it('measures all contenders in turn, drops warm-ups, and opens and closes each in every repeat', async () => {
    const opened: string[] = [];
    const closed: string[] = [];
    let clock = 0;
    const samples = await interleavedRounds({
      names: ['a', 'b'],
      repeats: 2,
      warmups: 1,
      rounds: 2,
      open: async (name, repeat) => {
        opened.push(`${name}${repeat}`);
        return { close: async () => void closed.push(`${name}${repeat}`) };
      },
      measure: async () => (clock += 1),
    });
    expect(opened.sort()).toEqual(['a0', 'a1', 'b0', 'b1']);
    expect(closed.sort()).toEqual(opened.sort());
    // Calls 1, 2 and 7, 8 are warm-ups.
    expect([...figures(samples, 'a', Number), ...figures(samples, 'b', Number)].sort((x, y) => x - y)).toEqual([
      3, 4, 5, 6, 9, 10, 11, 12,
    ]);
  });

  it('closes what it opened when a round fails', async () => {
    let closed = 0;
    const run = interleavedRounds({
      names: ['a', 'b'],
      repeats: 1,
      warmups: 0,
      rounds: 1,
      open: async () => ({ close: async () => void (closed += 1) }),
      measure: async () => Promise.reject(new Error('lost updates')),
    });
    await expect(run).rejects.toThrow('lost updates');
    expect(closed).toBe(2);
  });

  it('runs a contender in a process of its own, and passes its errors on', async () => {
    const file = new URL(
      `data:text/javascript,${encodeURIComponent(
        `export const open = ({ base }) => ({
           add: (n) => base + n, pid: () => process.pid, fail: () => { throw new Error('planted'); }, close() {},
         });`,
      )}`,
    );
    const worker = await startWorker(file, { base: 40 });
    try {
      expect(await worker.call('add', 2)).toBe(42);
      expect(await worker.call('pid')).not.toBe(process.pid);
      await expect(worker.call('fail')).rejects.toThrow('planted');
    } finally {
      await worker.close();
    }
  });
});

describe('the report', () => {
  it('pads tables for people and for the formatter', () => {
    expect(
      textTable(
        ['', 'x'],
        [
          ['long', '1'],
          ['s', '22'],
        ],
      ),
    ).toBe('       x\n----  --\nlong   1\ns     22');
    expect(markdownTable(['', 'x'], [['a|b', '1']])).toBe('|      | x   |\n| ---- | --- |\n| a\\|b | 1   |');
  });

  it('draws one bar for each contender, with escaped labels and the goal', () => {
    const svg = drawChart(
      [
        {
          title: 'Rate',
          unit: 'of <raw>',
          bars: [
            { label: 'ours & more', value: 2, low: 1, high: 3, isOurs: true },
            { label: 'peer', value: 4, low: 4, high: 4, isOurs: false },
          ],
          mark: { value: 3, label: '3' },
        },
        { title: 'Delay', unit: 'ms', bars: [{ label: 'a', value: 0, low: 0, high: 100, isOurs: true }], isLog: true },
      ],
      'Title',
    );
    expect(svg).toContain('ours &amp; more');
    expect(svg).toContain('of &lt;raw&gt;');
    expect(svg.match(/<rect x=/g)).toHaveLength(3);
    expect(svg).toContain('stroke-dasharray');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const widths = [...svg.matchAll(/<rect x="190" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths[1]).toBeCloseTo(2 * widths[0]!, 0);
  });

  it('replaces what stands between its marks, and nothing else', () => {
    const text = 'before\n<!-- results -->\nold\n<!-- /results -->\nafter';
    expect(replaceBetween(text, 'results', 'new')).toBe('before\n<!-- results -->\n\nnew\n\n<!-- /results -->\nafter');
    expect(() => replaceBetween('no marks', 'results', 'new')).toThrow('<!-- results -->');
  });

  it('splits a profile into places by self time, idle left out', () => {
    const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 0 });
    const { places, functions } = summarizeProfile({
      nodes: [
        { id: 1, callFrame: frame('(idle)', '') },
        { id: 2, callFrame: frame('(garbage collector)', '') },
        { id: 3, callFrame: frame('acquire', 'file:///x/node_modules/nestjs-cache-txn/dist/lock.js') },
        { id: 4, callFrame: frame('emit', 'node:events') },
      ],
      samples: [1, 2, 3, 3, 4],
      timeDeltas: [1_000, 10, 30, 30, 30],
    });
    expect(places).toEqual([
      { name: 'nestjs-cache-txn', part: 0.6 },
      { name: 'Node', part: 0.3 },
      { name: 'garbage collector', part: 0.1 },
    ]);
    expect(functions[0]).toEqual({ name: 'acquire (nestjs-cache-txn/dist/lock.js)', part: 0.6 });
  });
});
