import { createHash } from 'node:crypto';
import { present } from '../../base/assert.js';
import { InvalidOptionsError } from '../../base/errors.js';
import type { Call } from '../../pipeline/call.js';
import type { HttpExchange } from '../../pipeline/http-exchange.js';
import { compileKey } from '../../pipeline/key-source.js';
import { parseKeyTemplate } from '../../pipeline/key-template.js';
import type { DecoratedMethod } from '../../pipeline/layer.js';
import { isOfHost, isResolver, type Method, versionsOf } from '../../pipeline/nest-metadata.js';
import type { PlaceholderRoot } from '../../pipeline/placeholder.js';
import { LIMITS } from '../../store/limits.js';
import type { CacheModuleOptions } from '../cache.options.js';
import type { CachedMetadata } from './cached.decorator.js';
import { canonicalUrl } from './canonical-url.js';
import { checkPrincipal, type Principal, principalOf } from './principal.js';
import { compileVary, type Vary } from './vary.js';

/** The entry of one call of `@Cached`. */
export interface CachedKey {
  /** Undefined for an answer that must not be cached: nobody can tell whose it is, or what was asked. */
  readonly key: string | undefined;
  /** The answer is for whoever asked, and for nobody else. */
  readonly isPersonal: boolean;
  /** The request headers that the answer depends on. */
  readonly vary: readonly string[];
}

const ANYBODY: Principal = { kind: 'anonymous' };

/** A longer default key is hashed, so that there is room for what is appended. */
const DEFAULT_KEY_BYTES = LIMITS.keyBytes / 2;

/**
 * Compiles how the entry of a method is found: by its own key, or by its route and URL, then by what it varies by, then by who asks (G54).
 *
 * What is appended begins with `:%` and a word. No value of a request brings that into a key, because values escape both, so that no other request can
 * name the entry of somebody.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a missing key and for options that this kind of method cannot have
 */
export function compileCachedKey(
  { key, options }: CachedMetadata,
  module: CacheModuleOptions,
  method: DecoratedMethod,
): (call: Call) => CachedKey {
  const vary = compileVary(options.vary);
  checkMethod({ key, options }, vary, method);
  const base =
    key === undefined
      ? defaultKey(`%url:${method.httpMethod}:${handlerOf(method)}:`)
      : compileKey(key, { decorator: '@Cached', method });
  // A principal of its own is asked for in any case.
  const namesUser = options.principal === undefined && (typeof key === 'function' || isOfUser(key, vary));
  const principal = options.principal === undefined ? module : options;
  return (call) => {
    const who = options.public === true ? ANYBODY : principalOf(call, principal);
    const varied = vary.render(call);
    const suffix =
      (varied === undefined ? '' : `:%vary:${varied}`) +
      (who.kind === 'named' && !namesUser ? `:%user:${who.part}` : '');
    const isUnknown = who.kind !== 'anonymous' && (namesUser ? vary.lacksUser(call) : who.kind === 'unknown');
    const own = isUnknown ? undefined : base(call);
    return {
      key: own === undefined ? undefined : joined(own, suffix),
      isPersonal: who.kind !== 'anonymous',
      vary: vary.headers,
    };
  };
}

/** Tells the client, and caches on the way, whom the answer is for. */
export function tellWhomFor(http: HttpExchange, { isPersonal, vary }: CachedKey): void {
  if (isPersonal) http.setDefaultHeader('Cache-Control', 'private, no-cache');
  http.varyBy(vary);
}

/** Others may have the URL as well: those of other versions of an API, also in a class of the same name. */
function handlerOf({ target, name }: DecoratedMethod): string {
  const versions = versionsOf(target, methodOf(target, name));
  return `${target.name}.${name}${versions.map((version) => `@${encodeURIComponent(version)}`).join('')}`;
}

function methodOf(target: DecoratedMethod['target'], name: string): Method {
  return present((target.prototype as Readonly<Record<string, Method>>)[name], name);
}

/** A HEAD has the key of the GET whose handler answers it. */
function defaultKey(prefix: string): (call: Call) => string | undefined {
  return ({ http }) => {
    const url = http && canonicalUrl(http.url);
    if (url === undefined) return undefined;
    return prefix + (Buffer.byteLength(prefix + url) <= DEFAULT_KEY_BYTES ? url : hashed(url));
  };
}

function joined(own: string, suffix: string): string {
  const key = own + suffix;
  return suffix === '' || Buffer.byteLength(key) <= LIMITS.keyBytes ? key : `${own}:${hashed(suffix)}`;
}

function hashed(text: string): string {
  return `%sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Whether the key or what it varies by names the user already. */
function isOfUser(key: CachedMetadata['key'], vary: Vary): boolean {
  return vary.roots.has('user') || (typeof key === 'string' && parseKeyTemplate(key).roots.has('user'));
}

function checkMethod({ key, options }: CachedMetadata, vary: Vary, method: DecoratedMethod): void {
  const named = `${method.target.name}.${method.name}`;
  const refuse = (problem: string): never => {
    throw new InvalidOptionsError(`@Cached of ${named}: ${problem}`, { details: { method: named } });
  };
  if (key === undefined && method.httpMethod === undefined)
    refuse("it needs a key, such as 'book:{args.0}': only a route has a URL to make one of");
  if (key === undefined && isOfHost(method.target) && !vary.headers.includes('host'))
    refuse("it needs vary: ['headers.host'], or a key: its controller is one of a host, which the URL does not name");
  const readable = readableRoots(method);
  const foreign = [...vary.roots].find((root) => !readable.includes(root));
  if (foreign !== undefined)
    refuse(`vary reads ${foreign}, which its calls do not have; they have ${readable.join(', ')}`);
  if (!readable.includes('user') && (options.public !== undefined || options.principal !== undefined))
    refuse('public and principal are about a request, which its calls do not have; its key has to name the user');
  if (options.public === true && isOfUser(key, vary))
    refuse('public says that the answer is the same for all, but its key or vary names the user');
  if (options.public === true && options.principal !== undefined)
    refuse('public says that the answer is the same for all, so nothing reads principal');
  checkPrincipal(options, `principal of @Cached of ${named}`);
}

const OF_REQUEST = ['params', 'query', 'body', 'headers', 'user', 'args'] as const;

/** What the calls of a method have to read. */
function readableRoots(method: DecoratedMethod): readonly PlaceholderRoot[] {
  if (method.host === 'provider') return ['args'];
  if (method.httpMethod !== undefined) return OF_REQUEST;
  return isResolver(methodOf(method.target, method.name)) ? [...OF_REQUEST, 'data'] : ['data', 'args'];
}
