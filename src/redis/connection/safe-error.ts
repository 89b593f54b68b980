import { types } from 'node:util';

/** A server repeats the arguments of a command that it does not know. */
const ARGUMENTS = /, with args beginning with: [^\n]*/;

/**
 * The failure that ioredis reports, fit for a cause and a log: name, message, code and stack.
 *
 * ioredis hangs the failed command on its errors with all its arguments, and those are cached values, lock tokens and
 * passwords, which `util.inspect` would print (guarantee G42).
 */
export function withoutSecrets(error: unknown): Error {
  const original = types.isNativeError(error) ? error : new Error(String(error));
  const message = messageOf(original).replace(ARGUMENTS, '');
  const safe = new Error(message);
  safe.name = original.name;
  if (original.stack !== undefined) safe.stack = original.stack.replace(original.message, () => message);
  if ('code' in original && typeof original.code === 'string') Object.assign(safe, { code: original.code });
  return safe;
}

/** Some failures are told only by the errors inside: of a cluster's node, or of each address of a host. */
function messageOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  if ('lastNodeError' in error && error.lastNodeError) return `${error.message} (${messageOf(error.lastNodeError)})`;
  if (error.message === '' && 'errors' in error && Array.isArray(error.errors))
    return error.errors.map(messageOf).join('; ');
  return error.message;
}
