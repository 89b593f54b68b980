import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawChart } from './chart.mjs';
import { textTable } from './table.mjs';

/**
 * @typedef {import('../scenarios/scenario.mjs').Outcome & { name: string, title: string, tookSeconds: number }} ScenarioResult
 * @typedef {{
 *   measuredAt: string, tookMinutes: number, isQuick: boolean,
 *   machine: ReturnType<typeof import('./machine.mjs').describeMachine>,
 *   versions: Record<string, string>, scenarios: ScenarioResult[],
 * }} Results
 */

/**
 * Writes results.json, without the drawing instructions, and chart.svg.
 *
 * @param {string} folder
 * @param {Results} results
 */
export function writeResults(folder, results) {
  mkdirSync(folder, { recursive: true });
  const scenarios = results.scenarios.map(({ panels: _, ...scenario }) => scenario);
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify({ ...results, scenarios }, null, 1)}\n`);
  const panels = results.scenarios.flatMap((scenario) => scenario.panels);
  writeFileSync(
    join(folder, 'chart.svg'),
    drawChart(panels, `nestjs-cache-txn beside its peers, ${results.measuredAt.slice(0, 10)}`),
  );
}

/**
 * One scenario for the terminal.
 *
 * @param {ScenarioResult} scenario
 */
export function scenarioAsText({ title, tables, tookSeconds }) {
  return [
    `\n== ${title} (${tookSeconds} s)`,
    ...tables.map(
      (table) =>
        `\n${table.title}\n${textTable(table.columns, table.rows)}${table.note === undefined ? '' : `\n${table.note}`}`,
    ),
  ].join('\n');
}

/** @param {readonly import('../scenarios/scenario.mjs').Goal[]} goals */
export function goalsAsText(goals) {
  return textTable(
    ['what', 'to reach', 'reached', ''],
    goals.map(({ what, goal, figure, isReached }) => [what, goal, figure, isReached ? 'yes' : 'NO']),
  );
}
