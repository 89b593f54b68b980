/**
 * How cached values become the texts that the store keeps; for `forRoot({ cache: { codec } })`. All applications that share a namespace
 * need the same one: what another wrote is unreadable, and counts as a miss.
 */
export interface Codec {
  /** In messages: 1 to 64 characters. */
  readonly name: string;
  /**
   * The text of a value, never of undefined, a function, a symbol or a stream. It must not begin with `~`, which is reserved.
   * What it throws is the `cause` of an InvalidOptionsError `INVALID_OPTIONS` that names the key.
   */
  encode(value: unknown): string;
  /** The value of a text, a new one each time, never undefined. What it throws is a miss, and never a failure of the read. */
  decode(text: string): unknown;
}

/**
 * A codec of this library does not take a value, or cannot read a text.
 *
 * @param problem goes on after "the value of KEY": it names no content
 * @param limit that the value is over
 */
export class CodecRefusal extends Error {
  constructor(
    readonly problem: string,
    readonly limit?: number,
  ) {
    super(problem);
    this.name = 'CodecRefusal';
  }
}
