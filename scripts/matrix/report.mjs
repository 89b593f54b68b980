/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./run-suite.mjs').Failure} Failure
 *
 * @typedef {{ cell: Cell, passed: number, failures: Failure[], types: 'ok' | 'FAILED' | '-', tookMs: number }} CellOutcome
 */

/** A failed assertion is short; what follows is a stack of the test runner. */
const ERROR_LINES = 25;

/** @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** @param {CellOutcome} outcome */
export function progressLine({ cell, passed, failures, tookMs }) {
  const verdict = failures.length === 0 ? 'ok    ' : 'FAILED';
  return `${verdict}  ${cell.name}  ${passed} passed, ${failures.length} failed  (${cell.redis}, ${seconds(tookMs)})`;
}

/**
 * @param {string} cell
 * @param {readonly Failure[]} failures
 */
export function failureText(cell, failures) {
  const texts = failures.map(({ title, errors }) => {
    const lines = errors.join('\n').split('\n');
    const cut = lines.length > ERROR_LINES ? [`… ${lines.length - ERROR_LINES} more lines`] : [];
    return [`✕ ${cell}  ${title}`, ...[...lines.slice(0, ERROR_LINES), ...cut].map((line) => `    ${line}`)].join('\n');
  });
  return texts.join('\n');
}

/** @param {readonly CellOutcome[]} outcomes */
export function table(outcomes) {
  const rows = outcomes.map(({ cell, types, passed, failures, tookMs }) => {
    const versions = [`${cell.nest}`, `${cell.ioredis}`, cell.format, cell.redis];
    return [...versions, types, String(passed), String(failures.length), seconds(tookMs)];
  });
  return aligned([['nest', 'ioredis', 'format', 'redis', 'types', 'passed', 'failed', 'time'], ...rows]);
}

/** @param {readonly (readonly string[])[]} rows */
export function aligned(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
