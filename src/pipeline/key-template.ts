import { InvalidOptionsError, KeyTemplateError } from '../base/errors.js';
import type { Call } from './call.js';
import { escapeValue, isReserved } from './escape-value.js';
import { parsePlaceholder, readPlaceholder, type Placeholder, type PlaceholderRoot } from './placeholder.js';
import { kindOf, plainText } from './plain-value.js';

/** A parsed key template, such as `order:{params.id}`. */
export interface KeyTemplate {
  readonly template: string;
  /** Where its placeholders read from. */
  readonly roots: ReadonlySet<PlaceholderRoot>;
  /**
   * The key of one call. Two calls with different values never get the same key from one template, and no value can
   * bring a hash tag or end its part (threats S01 to S05).
   *
   * @throws KeyTemplateError `KEY_TEMPLATE` unless every value is a non-empty well-formed string, a bigint or a finite number
   */
  render(call: Call): string;
}

interface Part {
  readonly placeholder: Placeholder;
  /** The character after the value that ends it and that the value therefore escapes beside the reserved ones. */
  readonly separator: string | undefined;
  /** The literal text behind it. */
  readonly literal: string;
}

/**
 * Parses a key template; decorators call it when the class is defined, so that a malformed one stops the boot.
 *
 * Placeholders read `params query body headers user` of an HTTP request, `data` of a message and `args.0 …` of any
 * method, by dotted paths of own properties. All braces belong to placeholders: a hash tag can only come from a key
 * function or a service call. Two placeholders need something between them that is no letter, digit or `%`, best `:`;
 * another separator such as `-` is escaped in the value before it.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` naming the template and the position
 */
export function parseKeyTemplate(template: string): KeyTemplate {
  if (typeof template !== 'string' || template === '') throw malformed(template, 0, 'a template is a non-empty string');
  if (!template.isWellFormed()) throw malformed(template, 0, 'it has a lone surrogate');
  const prefix = literalFrom(template, 0);
  const parts: Part[] = [];
  let position = prefix.length;
  while (position < template.length) {
    const close = template.indexOf('}', position);
    if (close === -1) throw malformed(template, position, 'the brace is never closed');
    const text = template.slice(position + 1, close);
    if (text.includes('{')) throw malformed(template, position, 'the brace is opened again before it is closed');
    const placeholder = parsePlaceholder(text);
    if (typeof placeholder === 'string') throw malformed(template, position, placeholder);
    const literal = literalFrom(template, close + 1);
    position = close + 1 + literal.length;
    const isLast = position === template.length;
    parts.push({ placeholder, literal, separator: isLast ? undefined : separatorIn(literal, template, position) });
  }
  return {
    template,
    roots: new Set(parts.map(({ placeholder }) => placeholder.root)),
    render: (call) =>
      prefix +
      parts
        .map((part) => escapeValue(valueOf(part.placeholder, template, call), part.separator) + part.literal)
        .join(''),
  };
}

/** The text from `start` to the next placeholder. */
function literalFrom(template: string, start: number): string {
  const literal = /^[^{}]*/.exec(template.slice(start))?.[0] ?? '';
  if (template[start + literal.length] === '}')
    throw malformed(template, start + literal.length, 'the brace closes nothing');
  return literal;
}

/**
 * What must be escaped in the value before `literal` so that it ends there and nowhere else: nothing more when the
 * literal has a character that every value escapes.
 */
function separatorIn(literal: string, template: string, position: number): string | undefined {
  const chars = Array.from(literal).filter((char) => !/[A-Za-z0-9%]/.test(char));
  if (chars.some(isReserved)) return undefined;
  const [separator] = chars;
  if (separator === undefined)
    throw malformed(
      template,
      position,
      'nothing keeps this placeholder apart from the one before it; put a ":" between them',
    );
  return separator;
}

function valueOf(placeholder: Placeholder, template: string, call: Call): string {
  const value = readPlaceholder(placeholder, call);
  const text = plainText(value);
  if (text !== undefined) return text;
  const method = `${call.target.name}.${call.methodName}`;
  throw new KeyTemplateError(
    `{${placeholder.text}} of the key template ${JSON.stringify(template)} of ${method} is ${kindOf(value)}; ` +
      'it must be a non-empty string, a bigint or a finite number',
    { details: { template, placeholder: placeholder.text, method } },
  );
}

function malformed(template: string, position: number, problem: string): InvalidOptionsError {
  return new InvalidOptionsError(`key template ${JSON.stringify(template)}, position ${position}: ${problem}`, {
    details: { template, position },
  });
}
