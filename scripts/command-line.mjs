/** The arguments of a script of this folder: what is wrong with them ends it with status 2, and --help with 0. */
import { parseArgs } from 'node:util';

/**
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} Options
 * @param {{ help: string, options: Options, allowPositionals?: boolean }} program
 */
export function commandLine({ help, options, allowPositionals = false }) {
  /**
   * @param {string} reason
   * @returns {never}
   */
  function stop(reason) {
    console.error(`${reason}\n\n${help}`);
    process.exit(2);
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {number} highest
   */
  function wholeNumber(name, text, highest) {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > highest)
      stop(`--${name} must be a whole number from 1 to ${highest}, not ${text}`);
    return number;
  }

  const { values, positionals } = parsed();
  if (/** @type {{ help?: boolean }} */ (values).help) {
    console.log(help);
    process.exit(0);
  }
  return { values, positionals, wholeNumber, stop };

  function parsed() {
    try {
      return parseArgs({
        options: /** @type {Options & { help: { type: 'boolean' } }} */ ({ ...options, help: { type: 'boolean' } }),
        allowPositionals,
      });
    } catch (error) {
      return stop(error instanceof Error ? error.message : String(error));
    }
  }
}

export const TEXT = /** @type {const} */ ({ type: 'string' });
export const FLAG = /** @type {const} */ ({ type: 'boolean' });
