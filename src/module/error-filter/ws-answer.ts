import type { ArgumentsHost } from '@nestjs/common';
import type { ErrorAnswer } from './error-answer.js';

/** The little of a client that is needed: a socket.io socket, or a native WebSocket, which has a `readyState`. */
interface WsClient {
  readonly readyState?: unknown;
  emit?(event: string, payload: unknown): unknown;
  send?(text: string): unknown;
}

type Acknowledge = (payload: unknown) => void;

/**
 * Sends the event `exception`, as Nest does for a `WsException`. A client that asked for an acknowledgement gets the same
 * object as that: it would wait for ever otherwise.
 */
export function answerWs(answer: ErrorAnswer, host: ArgumentsHost): void {
  const ws = host.switchToWs();
  const payload = { status: 'error', ...answer, cause: { pattern: ws.getPattern() } };
  send(ws.getClient<WsClient>(), 'exception', payload);
  // Nest's handlers get the client, the data and, on socket.io, the client's acknowledgement.
  const acknowledge: unknown = host.getArgByIndex(2);
  if (typeof acknowledge === 'function') (acknowledge as Acknowledge)(payload);
}

function send(client: WsClient, event: string, payload: unknown): void {
  // A native socket is an event emitter too, but what it emits stays here.
  if (typeof client.readyState === 'number') client.send?.(JSON.stringify({ event, data: payload }));
  else client.emit?.(event, payload);
}
