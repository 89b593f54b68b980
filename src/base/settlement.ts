import { present } from './assert.js';

/** A promise that somebody else settles; whether anybody waits for it or not, it is no unhandled rejection. */
export class Settlement<T = void> {
  readonly promise: Promise<T>;
  private readonly settle: { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void };

  constructor() {
    let settle: typeof this.settle | undefined;
    this.promise = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.promise.catch(() => undefined);
    this.settle = present(settle, 'the two ends of a promise');
  }

  resolve(value: T): void {
    this.settle.resolve(value);
  }

  reject(error: unknown): void {
    this.settle.reject(error);
  }
}
