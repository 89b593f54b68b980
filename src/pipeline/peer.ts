import type { EventEmitter } from 'node:events';
import { TransactionAbortedError } from '../base/errors.js';
import type { Call } from './call.js';
import { isEventHandler, type Method } from './nest-metadata.js';

/** A connection, as Node's sockets are. */
interface Connection extends EventEmitter {
  readonly destroyed: boolean;
}

/**
 * One listener for each connection, however many calls it carries at once: Node warns of a leak from the eleventh on.
 * It stays as long as the connection.
 */
const waiting = new WeakMap<Connection, Set<() => void>>();

/**
 * The call with a signal that aborts also when the connection closes on which its answer is awaited; for calls whose
 * end Nest does not tell by unsubscribing, and which are no HTTP exchange of their own.
 *
 * @returns the call to run, and how to stop listening
 */
export function untilPeerLeaves(call: Call): { readonly call: Call; readonly stop: () => void } {
  const connection = connectionOf(call);
  if (connection === undefined) return { call, stop: () => undefined };
  const either = new AbortController();
  const follow = (): void => either.abort(call.signal.reason);
  call.signal.addEventListener('abort', follow, { once: true });
  if (call.signal.aborted) follow();
  const stop = onClose(connection, () => {
    either.abort(
      new TransactionAbortedError(
        `the client left before ${call.target.name}.${call.methodName} had answered; nothing was committed`,
      ),
    );
  });
  return { call: { ...call, signal: either.signal }, stop };
}

/** Where the answer goes, as far as it can be known. socket.io needs none: Nest unsubscribes. */
function connectionOf({ transport, args, request, context }: Call): Connection | undefined {
  if (transport === 'rpc') {
    if (context !== undefined && isEventHandler(context.getHandler() as Method)) return undefined;
    // Of Nest's transports TCP alone has the client on a connection of its own; the others share a broker.
    const tcp = args[1] as { getSocketRef?(): { readonly netSocket?: unknown } } | undefined;
    return asConnection(typeof tcp?.getSocketRef === 'function' ? tcp.getSocketRef().netSocket : undefined);
  }
  if (transport === 'graphql') {
    // Fastify's request holds Node's as `raw`.
    const { raw = request } = request as { readonly raw?: unknown };
    return asConnection((raw as { readonly socket?: unknown }).socket);
  }
  return undefined;
}

function asConnection(value: unknown): Connection | undefined {
  const candidate = value as Partial<Connection> | undefined;
  return typeof candidate?.once === 'function' ? (candidate as Connection) : undefined;
}

function onClose(connection: Connection, fn: () => void): () => void {
  if (connection.destroyed) {
    fn();
    return () => undefined;
  }
  const known = waiting.get(connection);
  const callbacks = known ?? new Set();
  if (known === undefined) {
    waiting.set(connection, callbacks);
    connection.once('close', () => {
      for (const callback of callbacks) callback();
    });
  }
  callbacks.add(fn);
  return () => callbacks.delete(fn);
}
