import type { InDoubtTransaction } from '../admin/transaction-admin.js';
import { type Command, parse } from './command.js';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from './connection-arguments.js';
import { printed, printedJson, table } from './printed.js';
import { withAdmin } from './with-admin.js';

const OPTIONS = { ...CONNECTION_OPTIONS, json: { type: 'boolean' } } as const;

const HELP = `nestjs-cache-txn in-doubt list [options]

Lists the transactions over several slots that are on their way, those first that are
overdue for longest. It changes nothing.

  overdue   late: its owner is gone or very slow, and whoever sweeps or meets a key settles it
            left: its owner may still decide; a healthy one is over within milliseconds
  decision  what the slot that decides says: pending, committed or aborted;
            unknown when it does not answer; database: not a slot, a database decides

  --json                       one JSON object on each line: id, keys, overdueMs, decision

${CONNECTION_HELP}`;

/** Shows what is left of commits over several slots. */
export const inDoubtList: Command = {
  name: 'in-doubt list',
  summary: 'lists the transactions over several slots that are on their way or stuck',
  help: HELP,
  async run(args, { out, env }) {
    const { values } = parse(args, OPTIONS);
    const found = await withAdmin(connectionOf(values, env), (admin) => admin.inDoubt());
    const lines = values.json ? found.map(printedJson) : report(found);
    for (const line of lines) out(line);
    return 0;
  },
};

/** What a reader sees of them. */
export function report(found: readonly InDoubtTransaction[]): string[] {
  if (found.length === 0) return ['No transaction over several slots is on its way.'];
  const overdue = found.filter(({ overdueMs }) => overdueMs >= 0).length;
  const rows = found.map(({ id, overdueMs, decision, keys }) => [
    printed(id),
    lateness(overdueMs),
    decision,
    keys.map((key) => printed(JSON.stringify(key))).join(' '),
  ]);
  return [
    ...table([['id', 'overdue', 'decision', 'keys'], ...rows]),
    `${found.length} on their way, ${overdue} of them overdue.`,
    ...(overdue > 0
      ? ['Any running application settles them (txn.recovery); by hand: nestjs-cache-txn in-doubt resolve <id>']
      : []),
  ];
}

function lateness(overdueMs: number): string {
  const seconds = (Math.abs(overdueMs) / 1_000).toFixed(1);
  return overdueMs >= 0 ? `${seconds} s late` : `${seconds} s left`;
}
