import type { TransactionAdmin } from '../admin/transaction-admin.js';
import { type Command, type ExitCode, parse } from './command.js';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from './connection-arguments.js';
import { DATABASE_OPTIONS, databaseOf } from './database-arguments.js';
import { printed } from './printed.js';
import { withAdmin } from './with-admin.js';

const OPTIONS = { ...CONNECTION_OPTIONS, ...DATABASE_OPTIONS } as const;

const HELP = `nestjs-cache-txn in-doubt resolve <id> [options]

Settles one transaction in all of its slots, as the sweeper of an application does, and tells
what became of it. It never overrides anybody: what is decided stands, and one whose owner
may still decide is refused (exit code 1).

  --database-url postgres://…  the database that decides, for those that one decides
  --table cache_txn_marker     its table of markers, where that has another name

${CONNECTION_HELP}`;

/** What each outcome means to whoever asked. */
const ANSWERS: Readonly<
  Record<'committed' | 'aborted' | 'pending' | 'unknown' | 'database', readonly [ExitCode, string]>
> = {
  committed: [
    0,
    'committed: its writes are visible in every slot; of what a database decides, they are gone from the cache and get loaded again.',
  ],
  aborted: [0, 'aborted: nothing of it is visible, and nothing ever will be.'],
  pending: [1, 'refused: its owner may still decide, and nothing was changed. `in-doubt list` shows how long it has.'],
  database: [1, 'refused: a database decides it. Say which: --database-url postgres://…'],
  unknown: [
    1,
    'not found: no transaction of this id is on its way; is the namespace right? It may be settled already.',
  ],
};

/** Settles what its owner has left. */
export const inDoubtResolve: Command = {
  name: 'in-doubt resolve',
  summary: 'settles one of them, unless its owner may still decide',
  help: HELP,
  async run(args, { out, err, env, load }) {
    const { values, positionals } = parse(args, OPTIONS, ['id']);
    const [id = ''] = positionals;
    const database = databaseOf(values, { load });
    const resolve = async (admin: TransactionAdmin): Promise<keyof typeof ANSWERS> => {
      if (database !== undefined) return admin.resolve(id);
      const found = (await admin.inDoubt()).find((each) => each.id === id);
      return found?.decision === 'database' ? 'database' : admin.resolve(id);
    };
    const [code, text] = ANSWERS[await withAdmin(connectionOf(values, env), resolve, database)];
    (code === 0 ? out : err)(`${printed(id)} ${text}`);
    return code;
  },
};
