import { StoreReplyError } from '../../base/errors.js';

/**
 * Reads one reply of the server field by field and refuses the unexpected: what is not ours to understand must not
 * become a lock or a value.
 */
export class ReplyReader {
  private index = 0;

  private constructor(
    private readonly fields: readonly unknown[],
    private readonly from: string,
  ) {}

  /** @throws StoreReplyError `STORE_REPLY` unless the reply is a list */
  static of(reply: unknown, from: string): ReplyReader {
    if (!Array.isArray(reply)) throw unexpected(from, 'a list', reply);
    return new ReplyReader(reply as readonly unknown[], from);
  }

  get isDone(): boolean {
    return this.index >= this.fields.length;
  }

  text(): string {
    const field = this.next();
    if (typeof field !== 'string') throw unexpected(this.from, 'a string', field);
    return field;
  }

  optionalText(): string | undefined {
    const field = this.next();
    if (field === null) return undefined;
    if (typeof field !== 'string') throw unexpected(this.from, 'a string or nil', field);
    return field;
  }

  /** A whole number that is not negative and exact, as an integer reply or in digits. */
  number(): number {
    const field = this.next();
    return wholeNumber(field, this.from);
  }

  optionalNumber(): number | undefined {
    const field = this.next();
    return field === null ? undefined : wholeNumber(field, this.from);
  }

  list(): ReplyReader {
    return ReplyReader.of(this.next(), this.from);
  }

  /** The item at a 1-based index that the script answered. */
  item<T>(items: readonly T[]): T {
    const position = this.number();
    const item = items[position - 1];
    if (item === undefined) throw unexpected(this.from, `an index from 1 to ${items.length}`, position);
    return item;
  }

  private next(): unknown {
    if (this.isDone) throw unexpected(this.from, `more than ${this.fields.length} fields`, undefined);
    return this.fields[this.index++];
  }
}

function wholeNumber(field: unknown, from: string): number {
  const number = typeof field === 'string' && /^\d{1,16}$/.test(field) ? Number(field) : field;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw unexpected(from, 'a whole number', field);
  return number;
}

/** The error for a reply that no script of this library gives; names the kind of what came, never its content. */
export function unexpected(from: string, expected: string, actual: unknown): StoreReplyError {
  const kind = actual === null ? 'nil' : Array.isArray(actual) ? 'a list' : typeof actual;
  return new StoreReplyError(
    `${from} answered ${kind} where ${expected} belongs; is the key written by something else?`,
    {
      details: { from, expected, kind },
    },
  );
}
