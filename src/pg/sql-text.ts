/**
 * A text as an SQL expression that no quoting rule, placeholder or setting of the server can change: ids come out of Redis, and keys
 * hold what callers write.
 */
export function sqlText(value: string): string {
  return `convert_from(decode('${Buffer.from(value).toString('hex')}','hex'),'UTF8')`;
}
