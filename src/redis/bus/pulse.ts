/** One beat on its way: published through a server, and not heard of yet. */
interface Beat {
  readonly number: number;
  readonly sentAtMs: number;
  /** `published`: the server has answered that it took it, so it can be missed, not only late. `failed`: nobody knows. */
  fate: 'sent' | 'published' | 'failed';
}

interface Server {
  readonly beats: Beat[];
  /** The largest number heard; 0 before the first. */
  heard: number;
}

/**
 * What numbered beats, sent through every server, say of the way on which messages come back: whether they arrive, and whether
 * one of those that were surely published has been left out. A server delivers to a connection in order, so what comes
 * after a beat that is missing has passed it. It knows no timer and no connection.
 */
export class Pulse {
  private servers = new Map<string, Server>();

  constructor(private readonly silenceMs: number) {}

  /** Forgets every beat: the way is another one, and has to be proved anew by each of these servers. */
  restart(servers: Iterable<string>): void {
    this.servers = new Map([...servers].map((name) => [name, { beats: [], heard: 0 }]));
  }

  /** Whether beats go through just these servers. */
  goesThrough(servers: readonly string[]): boolean {
    return servers.length === this.servers.size && servers.every((name) => this.servers.has(name));
  }

  /** Each server has been heard of since the restart; of none, that is nothing. */
  get isProven(): boolean {
    return this.servers.size > 0 && [...this.servers.values()].every(({ heard }) => heard > 0);
  }

  /** Numbers only grow. */
  sent(server: string, number: number, nowMs: number): void {
    this.servers.get(server)?.beats.push({ number, sentAtMs: nowMs, fate: 'sent' });
  }

  /** The server took the beat, or nobody knows whether it did, and then nothing follows from missing it. */
  answered(server: string, number: number, fate: 'published' | 'failed'): 'lost' | undefined {
    const beat = this.servers.get(server)?.beats.find((each) => each.number === number);
    if (beat !== undefined) beat.fate = fate;
    return this.passed(server);
  }

  /** The beat has come back. */
  heard(server: string, number: number): 'lost' | undefined {
    const state = this.servers.get(server);
    const index = state?.beats.findIndex((beat) => beat.number === number) ?? -1;
    // Of before the restart, or a copy.
    if (state === undefined || index === -1) return undefined;
    state.heard = Math.max(state.heard, number);
    state.beats.splice(index, 1);
    return this.passed(server);
  }

  /** A server has not been heard of for longer than that though a beat was due: unpublished or unheard, it proves nothing. */
  isSilent(nowMs: number): boolean {
    return this.waiting().some(({ sentAtMs }) => nowMs - sentAtMs >= this.silenceMs);
  }

  /** A server took a beat that has not come back: it is the listening connection that hears nothing. */
  get isUnheard(): boolean {
    return this.waiting().some(({ fate }) => fate === 'published');
  }

  /** Whether a later beat has passed one that was published; of those that failed, that is the end. */
  private passed(server: string): 'lost' | undefined {
    const { beats, heard } = this.servers.get(server) ?? { beats: [], heard: 0 };
    const later = beats.filter(({ number, fate }) => number > heard || fate !== 'failed');
    beats.splice(0, beats.length, ...later);
    return later.some(({ number, fate }) => number < heard && fate === 'published') ? 'lost' : undefined;
  }

  private waiting(): readonly Beat[] {
    return [...this.servers.values()].flatMap(({ beats, heard }) => beats.filter(({ number }) => number > heard));
  }
}
