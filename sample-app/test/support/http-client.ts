/** An answer of the box office, its JSON read. */
export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  /** Untyped by nature: each test knows what it has asked for. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

type Exchange = (address: string, init: RequestInit) => Promise<Response>;

/** Sends JSON to one box office. */
export class HttpClient {
  /** @param exchange in the place of `fetch` */
  constructor(
    readonly url: string,
    private readonly exchange: Exchange = fetch,
  ) {}

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    return this.send('POST', path, body, {}, signal);
  }

  patch(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send('PATCH', path, body, headers);
  }

  private async send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await this.exchange(`${this.url}${path}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(signal && { signal }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('application/json') ?? false;
    return {
      status: response.status,
      etag: response.headers.get('etag') ?? undefined,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
  }
}
