import { readFileSync } from 'node:fs';

const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url);

/** What a store may need beyond a connection to one server and database 0. */
export type FurtherNeed = 'cluster' | 'database' | 'name' | 'readonly' | 'replicas' | 'tracking';

export interface DocumentedUserOptions {
  /** Also the name of the user, unless given. */
  readonly namespace: string;
  readonly name?: string;
  readonly needs?: readonly FurtherNeed[];
}

/**
 * The least-privilege user of docs/operations.md as documented, for another namespace: what `ACL SETUSER` and the
 * server's option `--user` take. Its password is the documented one.
 */
export function documentedUser({ namespace, name = namespace, needs = [] }: DocumentedUserOptions): string[] {
  const text = readFileSync(OPERATIONS, 'utf8');
  const [, rules = ''] = /^ACL SETUSER shop (.*)$/m.exec(text) ?? [];
  const [, cluster = ''] = /A cluster client also needs `([^`]+)`/.exec(text) ?? [];
  const [, database = ''] = /a database other than 0 `([^`]+)`/.exec(text) ?? [];
  const [, connectionName = ''] = /a `connectionName` `([^`]+)`/.exec(text) ?? [];
  const [, replicas = ''] = /`replicas: 'all'` `(\+[^`]+)`/.exec(text) ?? [];
  const [, readonly = ''] = /`readFrom: 'replica'` in a cluster `(\+[^`]+)`/.exec(text) ?? [];
  const [, tracking = ''] = /`tracking: true` `(\+[^`]+)`/.exec(text) ?? [];
  const further = { cluster, database, name: connectionName, readonly, replicas, tracking };
  const granted = [rules.replaceAll('shop', namespace), ...needs.map((need) => further[need])];
  if (granted.includes('')) throw new Error('docs/operations.md says what a user needs in other words than these');
  return [name, ...granted.flatMap((line) => line.split(' '))];
}

/** The password of the documented user. */
export const DOCUMENTED_PASSWORD = 'secret';
