import type { CallHandler } from '@nestjs/common';
import type { Subscriber } from 'rxjs';
import { assert } from '../base/assert.js';
import { callScope } from '../base/async-scope.js';
import type { AdapterHttpExchange } from './adapter-http-exchange.js';
import type { Call } from './call.js';
import { collectValues } from './collect-values.js';
import { currentCall } from './current-call.js';
import type { Emitted } from './layer.js';
import { untilPeerLeaves } from './peer.js';
import type { CompiledMethod } from './pipeline.js';

/** One call of a handler: runs the layers and gives their answer to the subscriber. */
export class HandlerRun {
  private fromMethod: Emitted | undefined;
  private isOver = false;

  constructor(
    private readonly compiled: CompiledMethod,
    private readonly call: Call,
    private readonly http: AdapterHttpExchange | undefined,
    private readonly next: CallHandler,
    readonly subscriber: Subscriber<unknown>,
  ) {}

  /** No layer runs any more; what happens to the subscription from here on concerns the answer only. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  /** Settles the subscriber; never rejects for an error of the method or a layer. */
  async toEnd(): Promise<void> {
    try {
      this.answer(await this.runLayers());
    } catch (error) {
      // Without effect once the subscriber has left: nobody is there to be told.
      this.subscriber.error(error);
      return;
    }
    this.subscriber.complete();
  }

  private async runLayers(): Promise<Emitted> {
    const { call, stop } = untilPeerLeaves(this.call);
    try {
      const run = (): Promise<Emitted> => this.compiled.run(call, (inner) => this.runMethod(inner));
      return await (call === this.call ? run() : callScope.run(currentCall, call, run));
    } finally {
      this.isOver = true;
      stop();
    }
  }

  /** Subscribing anew makes Nest run the inner interceptors, the pipes and the method again, but not the guards. */
  private async runMethod({ signal }: Call): Promise<Emitted> {
    const { method, ownsAnswer } = this.compiled;
    assert(ownsAnswer || this.fromMethod === undefined, 'a layer that does not own the answer ran the method twice');
    this.fromMethod = [];
    this.fromMethod = await collectValues(this.next.handle(), {
      signal,
      method: `${method.target.name}.${method.name}`,
      forward: ownsAnswer ? undefined : (value) => this.emit(value),
      isStream: method.answer === 'sse',
    });
    return this.fromMethod;
  }

  private answer(emitted: Emitted): void {
    const { method, ownsAnswer } = this.compiled;
    const isMethods = this.fromMethod !== undefined && (!ownsAnswer || emitted === this.fromMethod);
    if (isMethods || emitted.length > 0) {
      this.http?.applyHead();
      if (ownsAnswer || this.fromMethod === undefined) emitted.forEach((value) => this.subscriber.next(value));
      return;
    }
    // A layer answers in the method's place with nothing, such as a busy lock that skips or a 304.
    if (method.answer === 'response') this.http?.answerEmpty();
    else this.http?.applyHead();
    // Nest takes the last value of what an interceptor gives, and fails when there is none. Of a stream it would make
    // an event (NestJS 11); a stream just ends.
    if (method.answer !== 'sse') this.subscriber.next(undefined);
  }

  private emit(value: unknown): void {
    try {
      this.http?.applyHead();
    } catch (error) {
      // Thrown inside rxjs it would end the process.
      this.subscriber.error(error);
      return;
    }
    this.subscriber.next(value);
  }
}
