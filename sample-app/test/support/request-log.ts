import { HttpClient } from './http-client.js';

/** A time, by the clock of this process. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A request, from its sending to the end of its answer. */
export interface LoggedRequest {
  readonly office: string;
  readonly method: string;
  readonly path: string;
  /** By the clock of this process, in ms. */
  readonly sentMs: number;
  readonly endedMs: number;
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  /** Where the answer came from, as `X-Cache` says. */
  readonly cache: string | undefined;
  /** What the client has now: of a 304 what it had been given under that ETag. Untyped by nature. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** Longer than any cap, so that a request that hangs ends as one that was over its cap. */
const GIVEN_UP_MS = 40_000;

/** Writes down what clients send and get. */
export class RequestLog {
  readonly requests: LoggedRequest[] = [];
  private readonly bodies = new Map<string, string>();

  /** A client of one box office whose requests are written down. */
  client(url: string): HttpClient {
    return new HttpClient(url, (address, init) => this.exchange(url, address, init));
  }

  private async exchange(office: string, address: string, init: RequestInit): Promise<Response> {
    const request = { office, method: init.method ?? 'GET', path: address.slice(office.length) };
    const sentMs = performance.now();
    const note = (status: number | undefined, text = '{}', cache: string | null = null): void => {
      const endedMs = performance.now();
      this.requests.push({ ...request, sentMs, endedMs, status, cache: cache ?? undefined, body: JSON.parse(text) });
    };
    try {
      const response = await fetch(address, { ...init, signal: AbortSignal.timeout(GIVEN_UP_MS) });
      const text = await response.text();
      const version = `${request.path} ${response.headers.get('etag')}`;
      if (response.status === 200) this.bodies.set(version, text);
      note(
        response.status,
        response.status === 304 ? this.bodies.get(version) : text || undefined,
        response.headers.get('x-cache'),
      );
      return new Response(text || null, response);
    } catch (error) {
      note(undefined);
      throw error;
    }
  }
}
