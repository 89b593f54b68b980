import {
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AsyncResource } from 'node:async_hooks';
import { Observable } from 'rxjs';
import { callScope } from '../base/async-scope.js';
import { InvalidOptionsError, TransactionAbortedError } from '../base/errors.js';
import { AdapterHttpExchange } from './adapter-http-exchange.js';
import { onDisconnect } from './client-disconnect.js';
import { currentCall } from './current-call.js';
import { describeMethod, methodName } from './decorated-method.js';
import { handlerCall } from './handler-call.js';
import { HandlerRun } from './handler-run.js';
import type { Method } from './nest-metadata.js';
import { Pipeline, type CompiledMethod } from './pipeline.js';
import { isWrapped } from './provider-wrapper.js';

/**
 * Runs the pipeline around a route, a message handler or a resolver.
 *
 * Each subscriber is one call; it gets values only after every layer has finished. Leaving early aborts the call's
 * signal, and the layers then roll back and release.
 */
@Injectable()
export class PipelineInterceptor implements NestInterceptor {
  /** What has been called before: the name of a handler takes a search through its class. */
  private readonly handlers = new WeakMap<object, WeakMap<Method, CompiledMethod>>();

  private readonly pipeline: Pipeline;

  /** @throws InvalidOptionsError `INVALID_OPTIONS` when no module supplies the layers */
  constructor(
    @Optional() @Inject(Pipeline) pipeline: Pipeline | undefined,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    if (pipeline === undefined) {
      throw new InvalidOptionsError(
        'a method has a decorator of nestjs-cache-txn, but nothing supplies what it does: import CacheTxnModule.forRoot() in the root module',
      );
    }
    this.pipeline = pipeline;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Class and method are both decorated, and the class's interceptor is around this one already.
    if (callScope.get(currentCall)?.context === context) return next.handle();
    const compiled = this.compiledFor(context);
    if (compiled === undefined || compiled.isBare) return next.handle();
    // Nest subscribes outside of the asynchronous context in which it calls intercept(), where guards and outer
    // interceptors may have put something for the method (its request context, a trace).
    const resource = new AsyncResource('PipelineInterceptor');
    return new Observable((subscriber) =>
      resource.runInAsyncScope(() => this.start(context, compiled, next, subscriber)),
    );
  }

  private start(
    context: ExecutionContext,
    compiled: CompiledMethod,
    next: CallHandler,
    subscriber: HandlerRun['subscriber'],
  ): () => void {
    const { method } = compiled;
    const cancel = new AbortController();
    const http = this.httpExchange(context);
    const call = handlerCall(context, method, http, cancel.signal);
    const abort = (): void => {
      cancel.abort(
        new TransactionAbortedError(
          `the client left before ${method.target.name}.${method.name} had answered; nothing was committed`,
        ),
      );
    };
    const stopListening =
      http === undefined ? (): void => undefined : onDisconnect(context.switchToHttp().getResponse(), abort);
    const run = new HandlerRun(compiled, call, http, next, subscriber);
    const ended = callScope.run(currentCall, call, () => run.toEnd()).finally(stopListening);
    // toEnd() gives every error to the subscriber; only a bug of this library can be left.
    ended.catch((error: unknown) => subscriber.error(error));
    return () => {
      if (!run.hasEnded) abort();
    };
  }

  private compiledFor(context: ExecutionContext): CompiledMethod | undefined {
    const target = context.getClass();
    const handler = context.getHandler() as Method;
    const handlers = this.handlers.get(target) ?? new WeakMap<Method, CompiledMethod>();
    const known = handlers.get(handler);
    if (known !== undefined) return known;
    if (isWrapped(handler)) return undefined;
    const name = methodName(target, handler);
    const compiled =
      this.pipeline.find(target, name) ?? this.pipeline.compile(describeMethod(target, name, handler, 'controller'));
    this.handlers.set(target, handlers.set(handler, compiled));
    return compiled;
  }

  private httpExchange(context: ExecutionContext): AdapterHttpExchange | undefined {
    if (context.getType() !== 'http') return undefined;
    const http = context.switchToHttp();
    return new AdapterHttpExchange(this.adapterHost.httpAdapter, http.getRequest(), http.getResponse());
  }
}
