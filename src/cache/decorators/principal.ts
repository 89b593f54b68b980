import { InvalidOptionsError, KeyTemplateError } from '../../base/errors.js';
import type { Call } from '../../pipeline/call.js';
import { escapeValue } from '../../pipeline/escape-value.js';
import { type Placeholder, readPlaceholder } from '../../pipeline/placeholder.js';
import { kindOf, plainText } from '../../pipeline/plain-value.js';

/** Who is asking, where `request.user` does not say it, or not all of it. */
export interface PrincipalOptions {
  /**
   * The name of whoever sends the request, one for each who may see something else, such as the tenant and the user; undefined for nobody in
   * particular. Declare the parameter as what the application knows of its requests. Default `id`, `sub`, `userId` or `username` of `request.user`, the first that is there.
   */
  principal?(request: object): string | number | bigint | undefined;
}

/** Who sends a request: nobody that has to be told apart, somebody with a name, or somebody whose name is not to be found. */
export type Principal =
  { readonly kind: 'anonymous' } | { readonly kind: 'named'; readonly part: string } | { readonly kind: 'unknown' };

const ANONYMOUS: Principal = { kind: 'anonymous' };
const UNKNOWN: Principal = { kind: 'unknown' };

/** What may name a user; the names of one are never those of another. */
const NAMES = ['id', 'sub', 'userId', 'username'] as const;

const AUTHORIZATION: Placeholder = { text: 'headers.authorization', root: 'headers', path: ['authorization'] };

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function checkPrincipal(options: PrincipalOptions, option: string): void {
  const { principal } = options as { readonly principal?: unknown };
  if (principal === undefined || typeof principal === 'function') return;
  throw new InvalidOptionsError(`${option}: give a function of the request, not a ${typeof principal}`, {
    details: { option },
  });
}

/**
 * Whose call it is. Guards have run; what they and middleware put into `request.user` counts, and a client that sends `Authorization` is somebody.
 * A call without a request is nobody's.
 *
 * @throws KeyTemplateError `KEY_TEMPLATE` when `options.principal` gives anything else than it may
 */
export function principalOf(call: Call, options: PrincipalOptions): Principal {
  const { request, transport } = call;
  if (transport !== 'http' && transport !== 'graphql') return ANONYMOUS;
  if (options.principal !== undefined) {
    const name: unknown = options.principal(request);
    if (name !== undefined && name !== null) return named('principal', name, call);
    return isAuthenticated(call) ? UNKNOWN : ANONYMOUS;
  }
  if (!isAuthenticated(call)) return ANONYMOUS;
  const { user } = request;
  const own = plainText(user);
  if (own !== undefined) return { kind: 'named', part: `itself:${escapeValue(own)}` };
  if (typeof user !== 'object' || user === null) return UNKNOWN;
  const fields = user as Readonly<Record<string, unknown>>;
  const field = NAMES.find((name) => fields[name] !== undefined && fields[name] !== null);
  const text = field && plainText(fields[field]);
  return text === undefined ? UNKNOWN : { kind: 'named', part: `${field}:${escapeValue(text)}` };
}

function isAuthenticated(call: Call): boolean {
  const { user } = call.request;
  // Guards for which it may be missing leave null or false.
  if (user !== undefined && user !== null && user !== false) return true;
  return readPlaceholder(AUTHORIZATION, call) !== undefined;
}

function named(label: string, name: unknown, call: Call): Principal {
  const text = plainText(name);
  if (text !== undefined) return { kind: 'named', part: `${label}:${escapeValue(text)}` };
  const method = `${call.target.name}.${call.methodName}`;
  throw new KeyTemplateError(
    `the principal of @Cached of ${method} is ${kindOf(name)}; it must be a non-empty string, a bigint or a finite number, given at once`,
    { details: { method } },
  );
}
