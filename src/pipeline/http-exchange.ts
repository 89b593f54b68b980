/** The little of HTTP that layers need, whatever the adapter (Express, Fastify). */
export interface HttpExchange {
  /** Upper case. */
  readonly method: string;
  /** First value of a request header, by any case of its name. */
  header(name: string): string | undefined;
  /** A header of a successful answer. It is sent when the whole pipeline has succeeded, never with an error. */
  setHeader(name: string, value: string): void;
  /** The status of a successful answer; overrides the method's default. Sent like {@link setHeader}. */
  setStatus(status: number): void;
}
