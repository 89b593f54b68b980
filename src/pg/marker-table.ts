import { InvalidOptionsError } from '../base/errors.js';

/** The table of the markers where nobody names another. */
export const DEFAULT_TABLE = 'cache_txn_marker';

/** A name, or schema and name; so long that the name of the index still fits into PostgreSQL's 63 bytes. */
const TABLE = /^(?:[A-Za-z_][A-Za-z0-9_]{0,49}\.)?[A-Za-z_][A-Za-z0-9_]{0,49}$/;

/**
 * The statements that make the table of transaction markers, and nothing when it is there.
 *
 * A fence knows of a transaction nothing but its id, so only owners write `namespace` and `keys` (a JSON array).
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` unless `table` is a name of 1 to 50 of `A-Z a-z 0-9 _`, with or without a schema
 */
export function markerTableSql(table = DEFAULT_TABLE): string {
  const name = tableName(table);
  const index = quoted(`${table.split('.').at(-1) ?? ''}_created_at`);
  return `CREATE TABLE IF NOT EXISTS ${name} (
  txid text PRIMARY KEY,
  state "char" NOT NULL CHECK (state IN ('C', 'A')),
  namespace text,
  keys text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS ${index} ON ${name} (created_at);
`;
}

/**
 * The table as SQL writes it.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function tableName(table: string): string {
  if (!TABLE.test(table)) {
    throw new InvalidOptionsError(
      `table: ${JSON.stringify(table.slice(0, 64))} is no name of 1 to 50 of the characters A-Z a-z 0-9 _, with or without a schema such as app.cache_txn_marker`,
      { details: { option: 'table' } },
    );
  }
  return table.split('.').map(quoted).join('.');
}

function quoted(identifier: string): string {
  return `"${identifier}"`;
}
