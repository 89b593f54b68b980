import type { KnownReplicas, Proof, Reached } from './replica-connection.js';

/** Commits that one question covers: each adds a short read to it. */
const MOST_TOGETHER = 512;
/**
 * The server's wait ends this much before the caller's, so that there is something to tell, but of a short one a third: Redis
 * ends waits with its timer, 10 times a second by default.
 */
const ANSWER_MARGIN_MS = 150;

/** What a channel needs of a connection. */
export interface ReplicaLink {
  readonly isOpen: boolean;
  open(): Promise<void>;
  learn(): Promise<KnownReplicas>;
  ask(mark: string, proofs: readonly Proof[], replicas: number, waitMs: number): Promise<Reached>;
  close(): void;
}

/** Why something is not acknowledged: this time, another may do better. */
export interface Shortfall {
  readonly why: string;
  readonly cause?: unknown;
}

/** One step of a commit that was done on this master. */
export interface Question {
  /** A key to write, in a slot of this master. */
  readonly mark: string;
  readonly proof: Proof;
  /** By the local clock. */
  readonly untilMs: number;
}

interface Waiting extends Question {
  readonly answer: (shortfall: Shortfall | undefined) => void;
}

/**
 * Asks the replicas of one master, one question at a time: what comes while one is underway shares the next, so that the
 * cost of many commits is one question for each round trip and not for each commit.
 */
export class ReplicaChannel {
  private link: ReplicaLink | undefined;
  private waiting: Waiting[] = [];
  private isUnderway = false;
  private history = '';
  private count = 0;
  private mustLearn = true;

  constructor(
    private readonly connect: () => ReplicaLink,
    private readonly now: () => number,
    /** Called with the number of replicas whenever the master was asked for it. */
    private readonly onLearnt: (replicas: number) => void,
  ) {}

  /** Resolves with undefined when every replica has it, and otherwise with the reason why that is not known. Never rejects. */
  acknowledged(question: Question): Promise<Shortfall | undefined> {
    return new Promise((answer) => {
      this.waiting.push({ ...question, answer });
      if (!this.isUnderway) void this.work();
    });
  }

  /** Connects, unless it is, and counts the replicas, unless they are. */
  async prepare(): Promise<ReplicaLink> {
    if (this.link?.isOpen !== true) {
      this.link?.close();
      this.link = this.connect();
      this.mustLearn = true;
      await this.link.open();
    }
    const { link } = this;
    if (this.mustLearn) {
      this.learn(await link.learn());
      this.mustLearn = false;
    }
    return link;
  }

  close(): void {
    this.link?.close();
  }

  private async work(): Promise<void> {
    this.isUnderway = true;
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0, MOST_TOGETHER);
      const answers = await this.ask(group).catch((cause: unknown): Shortfall[] => {
        this.close();
        return group.map(() => ({ why: 'the master was not reached', cause }));
      });
      group.forEach(({ answer }, i) => {
        answer(answers[i]);
      });
    }
    this.isUnderway = false;
  }

  private async ask(group: readonly Waiting[]): Promise<readonly (Shortfall | undefined)[]> {
    const link = await this.prepare();
    const leftMs = Math.max(...group.map(({ untilMs }) => untilMs)) - this.now();
    // 0 would wait for ever.
    const waitMs = Math.max(Math.floor(leftMs - Math.min(ANSWER_MARGIN_MS, leftMs / 3)), 1);
    const proofs = group.map(({ proof }) => proof);
    const { online, acknowledged, proofs: given } = await link.ask(group[0]?.mark ?? '', proofs, this.count, waitMs);
    // A replica may have come since they were counted, and may have been too late for this question.
    this.count = Math.max(this.count, online);
    const isShort = acknowledged < this.count;
    if (isShort) this.mustLearn = true;
    // It is not the server that answered the commit, or has lost it since: the next connection may lead to another.
    if (given.includes(false)) this.close();
    const tooFew = { why: `${acknowledged} of ${this.count} replicas acknowledged it` };
    return given.map((isGiven) => {
      if (!isGiven) return { why: 'the present master does not have it' };
      return isShort ? tooFew : undefined;
    });
  }

  /**
   * A replica that was once in step and left may still take over, without what it missed: the same master has it missing
   * until it is back. A cluster knows who belongs to it, whoever is connected.
   */
  private learn({ history, replicas, isComplete }: KnownReplicas): void {
    const mayMiss = history === this.history && !isComplete;
    this.count = mayMiss ? Math.max(this.count, replicas) : replicas;
    this.history = history;
    this.onLearnt(this.count);
  }
}
