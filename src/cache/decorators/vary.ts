import { InvalidOptionsError, KeyTemplateError } from '../../base/errors.js';
import type { Call } from '../../pipeline/call.js';
import { escapeValue } from '../../pipeline/escape-value.js';
import {
  parsePlaceholder,
  type Placeholder,
  type PlaceholderRoot,
  readPlaceholder,
} from '../../pipeline/placeholder.js';
import { kindOf, plainText } from '../../pipeline/plain-value.js';

/** What the option `vary` of `@Cached` names. */
export interface Vary {
  readonly roots: ReadonlySet<PlaceholderRoot>;
  /** The request headers among it, in lower case, for `Vary`. */
  readonly headers: readonly string[];
  /**
   * The values of one call, one part each and empty where it is missing; undefined when nothing is named.
   *
   * @throws KeyTemplateError `KEY_TEMPLATE` for an array or an object
   */
  render(call: Call): string | undefined;
  /** Something of the user is named that the call does not have. */
  lacksUser(call: Call): boolean;
}

/** A secret in a key would be in logs, and in everybody's sight who may see the keys. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** @throws InvalidOptionsError `INVALID_OPTIONS` for anything but a list of placeholders without their braces */
export function compileVary(names: readonly string[] = []): Vary {
  if (!Array.isArray(names)) throw refusal(`it is a list of names such as 'headers.accept-language'`);
  const placeholders = names.map(parse);
  const headers = placeholders.filter(({ root }) => root === 'headers').map(headerOf);
  const secret = headers.find((name) => SECRET_HEADERS.has(name));
  if (secret !== undefined)
    throw refusal(`${secret} is a secret, which must not be in a key; name the user by the option principal`);
  return {
    roots: new Set(placeholders.map(({ root }) => root)),
    headers,
    render: (call) =>
      placeholders.length === 0 ? undefined : placeholders.map((placeholder) => valueOf(placeholder, call)).join(':'),
    lacksUser: (call) =>
      placeholders.some((placeholder) => placeholder.root === 'user' && valueOf(placeholder, call) === ''),
  };
}

function parse(name: unknown): Placeholder {
  if (typeof name !== 'string') throw refusal(`a ${typeof name} is no name such as 'headers.accept-language'`);
  if (/[{}]/.test(name)) throw refusal(`write ${name.replaceAll(/[{}]/g, '')} without braces`);
  const placeholder = parsePlaceholder(name);
  if (typeof placeholder === 'string') throw refusal(placeholder);
  return placeholder;
}

function headerOf({ path }: Placeholder): string {
  const name = path.join('.').toLowerCase();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw refusal(`${JSON.stringify(name)} is no name of a header`);
  return name;
}

function valueOf(placeholder: Placeholder, call: Call): string {
  const value = readPlaceholder(placeholder, call);
  if (value === undefined || value === null || value === '') return '';
  const text = plainText(value);
  if (text !== undefined) return escapeValue(text);
  const method = `${call.target.name}.${call.methodName}`;
  throw new KeyTemplateError(
    `${placeholder.text}, by which @Cached of ${method} varies, is ${kindOf(value)}; it must be a string, a bigint or a finite number`,
    { details: { placeholder: placeholder.text, method } },
  );
}

function refusal(problem: string): InvalidOptionsError {
  return new InvalidOptionsError(`vary of @Cached: ${problem}`, { details: { option: 'vary' } });
}
