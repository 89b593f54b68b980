import { withoutSecrets } from '../redis/connection/safe-error.js';
import type { Command, CommandContext, ExitCode } from './command.js';
import { doctor } from './doctor/doctor.command.js';
import { inDoubtList } from './in-doubt-list.command.js';
import { inDoubtResolve } from './in-doubt-resolve.command.js';
import { migrate } from './migrate.command.js';
import { printed, table } from './printed.js';
import { UsageError } from './usage-error.js';

const COMMANDS: readonly Command[] = [doctor, inDoubtList, inDoubtResolve, migrate];

/**
 * The program `nestjs-cache-txn`: finds the command, runs it, and turns what it throws into a line for people. No line carries
 * a password. It leaves no connection open.
 */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const found = COMMANDS.find(({ name }) => name.split(' ').every((word, i) => args[i] === word));
  if (found === undefined) return withoutCommand(args, context);
  const rest = args.slice(found.name.split(' ').length);
  if (isHelp(rest)) {
    context.out(found.help);
    return 0;
  }
  try {
    return await found.run(rest, context);
  } catch (error) {
    const { message } = withoutSecrets(error);
    context.err(`error: ${printed(message)}`);
    if (!(error instanceof UsageError)) return 1;
    context.err(`See nestjs-cache-txn ${found.name} --help`);
    return 2;
  }
}

/** No command was named, or half of one. */
function withoutCommand(args: readonly string[], { out, err }: CommandContext): ExitCode {
  const [first = ''] = args;
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  const listed = overview(group.length > 0 ? group : COMMANDS);
  if (isHelp(args)) {
    for (const line of listed) out(line);
    return 0;
  }
  if (args.length > (group.length > 0 ? 1 : 0)) {
    err(`error: there is no such command; there are ${COMMANDS.map(({ name }) => name).join(', ')}`);
    err('See nestjs-cache-txn --help');
  } else {
    for (const line of listed) err(line);
  }
  return 2;
}

function overview(commands: readonly Command[]): string[] {
  return [
    'nestjs-cache-txn <command> [options]',
    '',
    ...table(commands.map(({ name, summary }) => [`  ${name}`, summary])),
    '',
    'nestjs-cache-txn <command> --help says more. Exit codes: 0 fine, 1 something is wrong, 2 called wrongly.',
  ];
}

function isHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}
