import type { AbstractHttpAdapter } from '@nestjs/core';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { HttpExchange } from './http-exchange.js';

/**
 * The HTTP exchange over Nest's adapter, the same for Express and Fastify.
 *
 * What layers set is kept until the whole pipeline has succeeded: an error must not go out with the ETag or the status
 * of a success. Nest applies the method's own status before the interceptors and none after them, so ours wins.
 */
export class AdapterHttpExchange implements HttpExchange {
  readonly method: string;
  readonly url: string;
  private readonly headers = new Map<
    string,
    { readonly name: string; readonly value: string; readonly isDefault: boolean }
  >();
  private readonly varies = new Set<string>();
  private status: number | undefined;

  constructor(
    private readonly adapter: AbstractHttpAdapter,
    private readonly request: Readonly<Record<string, unknown>>,
    private readonly response: unknown,
  ) {
    this.method = String(adapter.getRequestMethod(request)).toUpperCase();
    this.url = String(adapter.getRequestUrl(request));
  }

  header(name: string): string | undefined {
    const headers = (this.request['headers'] ?? {}) as Readonly<Record<string, string | readonly string[] | undefined>>;
    const value = headers[name.toLowerCase()];
    return typeof value === 'string' || value === undefined ? value : value[0];
  }

  setHeader(name: string, value: string): void {
    this.keep(name, value, false);
  }

  setDefaultHeader(name: string, value: string): void {
    this.keep(name, value, true);
  }

  varyBy(names: readonly string[]): void {
    for (const name of names) {
      validateHeaderName(name);
      this.varies.add(name);
    }
  }

  private keep(name: string, value: string, isDefault: boolean): void {
    // Here, where the layer can still fail: Fastify checks only while it writes the head, and then nobody answers.
    validateHeaderName(name);
    validateHeaderValue(name, value);
    this.headers.set(name.toLowerCase(), { name, value, isDefault });
  }

  setStatus(status: number): void {
    this.status = status;
  }

  /** Applies what the layers set, unless the head is already on its way (an event stream, a method with `@Res()`). */
  applyHead(): void {
    if (this.adapter.isHeadersSent(this.response)) return;
    for (const { name, value, isDefault } of this.headers.values())
      if (!isDefault || this.sent(name).length === 0) this.adapter.setHeader(this.response, name, value);
    if (this.varies.size > 0) this.applyVary();
    if (this.status !== undefined) this.adapter.status(this.response, this.status);
  }

  private applyVary(): void {
    const names = this.sent('Vary').flatMap((value) => value.split(',').map((name) => name.trim()));
    const known = new Set(names.map((name) => name.toLowerCase()));
    if (known.has('*')) return;
    const more = [...this.varies].filter((name) => !known.has(name.toLowerCase()));
    this.adapter.setHeader(this.response, 'Vary', [...names, ...more].join(', '));
  }

  /** The values of a header that the application has set. */
  private sent(name: string): readonly string[] {
    const value: unknown = this.adapter.getHeader(this.response, name);
    return value === undefined || value === null ? [] : [value].flat().map(String);
  }

  /** Sends an empty answer where Nest leaves that to a method which has not run; 204 unless a layer set a status. */
  answerEmpty(): void {
    if (this.adapter.isHeadersSent(this.response)) return;
    this.applyHead();
    this.adapter.reply(this.response, undefined, this.status ?? 204);
  }
}
