import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './usage-error.js';

/** Everything a command has of the world around it; tests give their own. */
export interface CommandContext {
  /** Prints one line of the answer. */
  readonly out: (line: string) => void;
  /** Prints one line about what went wrong. */
  readonly err: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Loads an optional package. */
  readonly load: (name: string) => Promise<unknown>;
}

/** 0: fine, 1: something is wrong or could not be done, 2: called wrongly. */
export type ExitCode = 0 | 1 | 2;

/** One thing that the program can do. */
export interface Command {
  /** What stands behind the program's name, such as `in-doubt list`. */
  readonly name: string;
  /** One line for the list of all commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  /** @throws UsageError */
  run(args: readonly string[], context: CommandContext): Promise<ExitCode>;
}

type OptionsConfig = NonNullable<ParseArgsConfig['options']>;

/** The values of the options, as `parseArgs` types them. */
export type Values<T extends OptionsConfig> = ReturnType<
  typeof parseArgs<{ options: T; strict: true; allowPositionals: true }>
>['values'];

/**
 * Reads options and arguments. Nothing that it complains about is repeated: it may be an address with a password.
 *
 * @param names of the arguments without a dash, each of them required
 * @throws UsageError
 */
export function parse<T extends OptionsConfig>(
  args: readonly string[],
  options: T,
  names: readonly string[] = [],
): { readonly values: Values<T>; readonly positionals: readonly string[] } {
  const { values, positionals } = parsed(args, options);
  const [missing] = names.slice(positionals.length);
  if (missing !== undefined) throw new UsageError(`<${missing}> is missing`);
  if (positionals.length > names.length) {
    throw new UsageError(
      names.length === 0
        ? 'it takes options only; an address is given with --url, --cluster or --sentinel'
        : `it takes <${names.join('> <')}> and options only`,
    );
  }
  return { values, positionals };
}

function parsed<T extends OptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Node adds advice about how to pass what nobody here wants.
    const [message = 'the options cannot be read'] = (error as Error).message.split('. To specify');
    throw new UsageError(message, { cause: error });
  }
}
