/** The little of HTTP that layers need, whatever the adapter (Express, Fastify). */
export interface HttpExchange {
  /** Upper case. */
  readonly method: string;
  /** Path and query as the client sent them, with the global prefix. */
  readonly url: string;
  /** First value of a request header, by any case of its name. */
  header(name: string): string | undefined;
  /** A header of a successful answer. It is sent when the whole pipeline has succeeded, never with an error. */
  setHeader(name: string, value: string): void;
  /** The same, unless the application sets the header by itself: then its own is sent. */
  setDefaultHeader(name: string, value: string): void;
  /** Names request headers that the answer depends on, beside those that the application has in `Vary`. */
  varyBy(names: readonly string[]): void;
  /** The status of a successful answer; overrides the method's default. Sent like {@link setHeader}. */
  setStatus(status: number): void;
}
