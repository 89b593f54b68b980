const PREFIX = 'nestjs-cache-txn/participant/';
const KEY = /^nestjs-cache-txn\/participant\/\{([\w.-]{1,64})\}$/;

/**
 * The entry that a transaction writes for each name of participants on other nodes: there is always a slot that decides, two of them are in each
 * other's way, and whoever clears up knows whom to tell. Its hash tag puts it into the slot of what belongs to the name.
 */
export function rollKey(name: string): string {
  return `${PREFIX}{${name}}`;
}

/** The names whose participants take part in a transaction that writes these keys. */
export function rollNamesOf(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => KEY.exec(key)?.[1] ?? []);
}
