import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { CALM, Passage, type Conditions, type Which } from './fault-passage.js';
import { LOOPBACK } from '../servers/start-server.js';

export interface FaultProxyOptions {
  /** Chance of losses and jitter, so that a run can be replayed. Default: none is lost, jitter is half of its most. */
  readonly random?: () => number;
}

/** A way to a server on which everything can happen that happens to TCP connections. */
export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Connections that are open now. */
  readonly openCount: number;
  /** Connections that have ever been opened. */
  readonly openedCount: number;
  /** Bytes that are kept waiting on their way to the server. */
  readonly heldBytes: number;
  /** Bytes that never arrived, in both directions. */
  readonly lostBytes: number;

  /** Changes the conditions for everybody; what is not named stays. */
  set(conditions: Partial<Conditions>): void;
  /** Closes connections, as a peer does that ends. */
  cut(which?: Which): void;
  /** Closes connections with RST, as a peer does that has lost its memory. */
  reset(which?: Which): void;
  /**
   * Half-open from now on: connections, the open and the later ones, stay open and carry nothing. `speak` ends it; what
   * was lost is lost, and connections that lost something are reset.
   */
  silence(which?: Which): void;
  speak(): void;
  /** Keeps what is sent on the connections that are open now; later ones are not affected. */
  hold(): void;
  /** Lets everything arrive, also what clients sent that have given up and gone. */
  release(): void;
  /** New connections are refused, because nobody listens; the open ones go on. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Back to calm: nothing is silenced, held, lost or refused. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a proxy on a free loopback port. */
export async function startFaultProxy(
  serverPort: number,
  { random = () => 0.5 }: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const passages = new Set<Passage>();
  const losses = { bytes: 0 };
  let conditions = CALM;
  let silenced: Which | undefined;
  let openedCount = 0;

  const listener = createServer((client) => {
    openedCount += 1;
    const onEnd = (): void => void passages.delete(passage);
    const passage = new Passage(client, serverPort, () => conditions, random, losses, onEnd);
    passages.add(passage);
    // Who is a subscriber shows only later: those are silenced when they are open.
    if (silenced === 'all') passage.silence();
  });
  const port = await listen(listener, 0);
  const meant = (which: Which): Passage[] => [...passages].filter((passage) => passage.is(which));

  const proxy: FaultProxy = {
    port,
    url: `redis://${LOOPBACK}:${port}`,
    get openCount() {
      return passages.size;
    },
    get openedCount() {
      return openedCount;
    },
    get heldBytes() {
      return [...passages].reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    },
    get lostBytes() {
      return losses.bytes;
    },
    set(changes) {
      conditions = { ...conditions, ...changes };
    },
    cut(which = 'all') {
      for (const passage of meant(which)) passage.cut();
    },
    reset(which = 'all') {
      for (const passage of meant(which)) passage.reset();
    },
    silence(which = 'all') {
      silenced = which;
      for (const passage of meant(which)) passage.silence();
    },
    speak() {
      silenced = undefined;
      for (const passage of passages) passage.speak();
    },
    hold() {
      for (const passage of passages) passage.hold();
    },
    release() {
      for (const passage of passages) void passage.release();
    },
    async refuse() {
      // Its 'close' would wait for the open connections.
      if (listener.listening) listener.close();
    },
    async accept() {
      if (!listener.listening) await listen(listener, port);
    },
    async heal() {
      conditions = CALM;
      proxy.speak();
      proxy.release();
      await proxy.accept();
    },
    async stop() {
      const closed = listener.listening ? once(listener, 'close') : Promise.resolve();
      if (listener.listening) listener.close();
      for (const passage of passages) passage.cut();
      await closed;
    },
  };
  return proxy;
}

async function listen(listener: Server, port: number): Promise<number> {
  listener.listen(port, LOOPBACK);
  await once(listener, 'listening');
  return (listener.address() as AddressInfo).port;
}
