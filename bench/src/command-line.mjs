import { parseArgs } from 'node:util';

export const HELP = `npm run bench -- [options]

  --only NAME      this scenario only; may be given several times (names: --list)
  --quick          fewer and shorter rounds: shows that it works, and no figure to quote
  --rounds N       measured rounds of each repeat, instead of each scenario's own number
  --out FOLDER     where results.json and chart.svg go; default bench/ for a full run, bench/out/ for any other
  --library FOLDER measures the built checkout there instead of this one
  --list           names the scenarios
  --help           this text

A full run also writes the tables into bench/README.md.
`;

/** What the user asked for cannot be done; the help text says what can. */
export class UsageError extends Error {}

/**
 * @typedef {{ only: string[], quick: boolean, rounds: number | undefined, out: string | undefined,
 *   library: string | undefined, list: boolean, help: boolean }} CommandLine
 */

/**
 * @param {readonly string[]} args
 * @returns {CommandLine}
 * @throws UsageError for what it does not know
 */
export function parseCommandLine(args) {
  const values = readOptions(args);
  const { rounds, out, library } = values;
  if (rounds !== undefined && !/^[1-9]\d{0,3}$/.test(rounds)) {
    throw new UsageError(`--rounds takes a number from 1 to 9999, not ${rounds}`);
  }
  return { ...values, rounds: rounds === undefined ? undefined : Number(rounds), out, library };
}

/** @param {readonly string[]} args */
function readOptions(args) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        out: { type: 'string' },
        library: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
