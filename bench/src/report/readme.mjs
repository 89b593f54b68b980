import { digits } from './format.mjs';
import { markdownTable } from './table.mjs';

/**
 * Puts `content` between `<!-- name -->` and `<!-- /name -->`.
 *
 * @param {string} text
 * @param {string} name
 * @param {string} content
 * @throws Error when the marks are not there
 */
export function replaceBetween(text, name, content) {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the text has no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/**
 * The machine, the goals and every scenario's tables as Markdown.
 *
 * @param {import('./results.mjs').Results} results
 */
export function resultsAsMarkdown({ machine, measuredAt, tookMinutes, scenarios }) {
  const goals = scenarios.flatMap((scenario) => scenario.goals);
  return [
    `${measuredAt.slice(0, 10)}, ${machine.processors}, ${machine.memory}, ${machine.system}, Node ${machine.node}, Redis ${machine.redis} on loopback; load ${digits(machine.loadBefore)} before the run, which took ${tookMinutes} minutes.`,
    markdownTable(
      ['what', 'to reach', 'reached', ''],
      goals.map(({ what, goal, figure, isReached }) => [what, goal, figure, isReached ? 'yes' : '**no**']),
    ),
    ...scenarios.flatMap(({ title, tables }) => [
      `### ${title[0]?.toUpperCase()}${title.slice(1)}`,
      ...tables.flatMap((table) => [
        `**${table.title}**`,
        markdownTable(table.columns, table.rows),
        ...(table.note === undefined ? [] : [table.note]),
      ]),
    ]),
  ].join('\n\n');
}
