import { InvalidOptionsError, KeyTemplateError } from '../base/errors.js';
import type { Call } from './call.js';
import { parseKeyTemplate, type KeyTemplate } from './key-template.js';
import type { DecoratedMethod } from './layer.js';

/** One key or several: a template, a list of templates, or a function of the call whose result is taken as it is. */
export type KeySource<R extends object = Record<string, unknown>> =
  string | readonly string[] | ((call: Call<R>) => string | readonly string[]);

/** The keys of one call, in the order they were given; at least one. Of tags there may be none. */
export type KeyReader = (call: Call) => readonly string[];

/** Whose keys they are, for messages. */
export interface KeySourceOptions {
  /** Such as `@Locked`. */
  readonly decorator: string;
  /** The method they are for, once it is known: a provider's has no request, so its templates may only read `args`. */
  readonly method?: DecoratedMethod | undefined;
  /** What they are. Default keys, of which a call has at least one; it may have no tag. */
  readonly kind?: 'key' | 'tag';
}

/**
 * Compiles a key source. Decorators call it without `method` when the class is defined, layers with it at boot.
 *
 * The length of a key is checked by the services, where keys of functions and of plain calls pass too.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a malformed template, an empty list or a template that no call can fill
 */
export function compileKeys(source: KeySource, options: KeySourceOptions): KeyReader {
  const { decorator, method, kind = 'key' } = options;
  if (typeof source === 'function') return (call) => checkResult(source(call), options, call);
  const templates = (typeof source === 'object' ? [...source] : [source]).map(parseKeyTemplate);
  if (templates.length === 0) {
    throw new InvalidOptionsError(`${decorator}: an empty list of ${kind}s`, { details: { decorator } });
  }
  if (method?.host === 'provider') templates.forEach((template) => checkProvider(template, decorator, method));
  return (call) => templates.map((template) => template.render(call));
}

/**
 * Compiles the source of one key; see {@link compileKeys}.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` also for a list of templates
 */
export function compileKey(source: KeySource, options: KeySourceOptions): (call: Call) => string {
  const { decorator } = options;
  if (Array.isArray(source)) {
    throw new InvalidOptionsError(`${decorator}: it is about one key, not a list of them`, { details: { decorator } });
  }
  if (typeof source !== 'string' && typeof source !== 'function') {
    throw new InvalidOptionsError(`${decorator}: first comes the key, a template or a function of the call`, {
      details: { decorator },
    });
  }
  const keysOf = compileKeys(source, options);
  return (call) => {
    const [key, ...more] = keysOf(call);
    if (key !== undefined && more.length === 0) return key;
    const method = `${call.target.name}.${call.methodName}`;
    throw new KeyTemplateError(`the key function of ${decorator} of ${method} must give one key`, {
      details: { decorator, method },
    });
  };
}

function checkProvider({ template, roots }: KeyTemplate, decorator: string, method: DecoratedMethod): void {
  const foreign = [...roots].find((root) => root !== 'args');
  if (foreign === undefined) return;
  throw new InvalidOptionsError(
    `${decorator} of ${method.target.name}.${method.name}: the key template ${JSON.stringify(template)} reads ${foreign}, ` +
      'but a provider method has no request; read its arguments, such as {args.0}',
    { details: { decorator, template, method: `${method.target.name}.${method.name}` } },
  );
}

/** Functions are typed, but they often read `any` from a request: what they give is checked like a placeholder's value. */
function checkResult(result: unknown, { decorator, kind = 'key' }: KeySourceOptions, call: Call): readonly string[] {
  const keys: readonly unknown[] = Array.isArray(result) ? result : [result];
  if ((keys.length > 0 || kind === 'tag') && keys.every(isKey)) return keys;
  const method = `${call.target.name}.${call.methodName}`;
  throw new KeyTemplateError(
    `the ${kind} function of ${decorator} of ${method} must give a non-empty string or a list of them, at once and not as a promise`,
    { details: { decorator, method } },
  );
}

function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '' && key.isWellFormed();
}
