import type { Cluster, Redis } from 'ioredis';
import type { CommandRunner } from '../commands/command-runner.js';
import { isCluster } from '../connection/connection.js';
import type { Inbox } from '../connection/inbox.js';
import { Pulse } from './pulse.js';
import { cut, lookAgain, sendersOf, subscriberOf } from './subscriber.js';

/** How often every master is asked to send a beat back. */
export const BUS_HEARTBEAT_MS = 1_000;
/** A beat that is due for so long proves that the bus is dead, so copies outlive it by no more than that and one beat. */
export const BUS_SILENCE_MS = 3_000;
/** Between two cuts of a connection that stays silent: as long as ioredis waits for a new one. */
const CUT_EVERY_MS = 10_000;

const BEAT = /^(\d{1,16}) (.+)$/;

/** What a watch tells. */
export interface WatchEvents {
  readonly message: (text: string) => void;
  readonly gap: () => void;
  readonly down: () => void;
  /** Why it is down, where no connection has ended. */
  readonly silent: (reason: Error) => void;
}

/**
 * Listens to one channel in such a way that silence is noticed: as long as it lasts, every master sends a numbered beat each
 * second, which comes back on the way of that master's messages; in a cluster that is a link between two nodes.
 *
 * Whatever may have lost a message ends in `down`, and in `gap` when the channel is subscribed to and each master has proved
 * itself: a lost connection, another set of masters, a beat that was passed by the next one, or one that is late. What is lost
 * between two beats that arrive, when a link between nodes ends and comes back within a second, is not noticed.
 */
export class Watch {
  /** Fulfilled when the server has taken the subscription. */
  readonly listening: Promise<void>;
  private readonly pulse = new Pulse(BUS_SILENCE_MS);
  private readonly beatChannel: string;
  private readonly timer: NodeJS.Timeout;
  private readonly endings: (() => void)[] = [];
  private subscriber: Redis | undefined;
  private number = 0;
  private cutAtMs = -Infinity;
  private lastFailure: unknown;
  private isSubscribed = false;
  private isResubscribing = false;
  private isSilenceTold = false;
  private isEnded = false;
  isDown = false;

  constructor(
    private readonly runner: CommandRunner,
    private readonly inbox: Inbox,
    private readonly connection: Redis | Cluster,
    channel: string,
    private readonly events: WatchEvents,
  ) {
    this.beatChannel = `${inbox.channel}:beat`;
    this.timer = setInterval(() => this.turn(), BUS_HEARTBEAT_MS);
    this.timer.unref();
    this.follow(subscriberOf(connection));
    this.endings.push(
      () => this.follow(undefined),
      inbox.onGap(() => this.comeBack()),
      this.onCommandsBack(() => this.prove()),
    );
    const subscribing = [
      this.listen(this.beatChannel, (text) => this.hearBeat(text)),
      // Before the gap it would only be dropped with everything else.
      this.listen(channel, (text) => this.isDown || this.events.message(text)),
    ];
    this.listening = Promise.all(subscribing).then(() => this.begin());
  }

  end(): void {
    this.isEnded = true;
    clearInterval(this.timer);
    for (const end of this.endings.splice(0)) end();
  }

  private begin(): void {
    if (this.isEnded) return;
    this.isSubscribed = true;
    this.pulse.restart(this.masters().keys());
    this.beat();
  }

  /** Subscribed again, perhaps at another server. */
  private comeBack(): void {
    this.follow(subscriberOf(this.connection));
    this.isSubscribed = true;
    this.prove();
  }

  /** Something may have been missed; what comes back from now on says when it is over. */
  private prove(): void {
    this.lose();
    this.beat();
  }

  private lose(): void {
    if (this.isEnded) return;
    this.pulse.restart(this.masters().keys());
    if (this.isDown) return;
    this.isDown = true;
    this.events.down();
  }

  private turn(): void {
    const masters = this.masters();
    if (!this.pulse.goesThrough([...masters.keys()])) this.lose();
    if ([...masters.values()].includes(undefined)) lookAgain(this.runner.client);
    this.keepSubscribed();
    this.beat();
    // What has arrived while this process was busy is read before.
    setImmediate(() => this.judge(performance.now()));
  }

  /** A cluster client changes its connection without a word, and asks again only for what it knew of the last one. */
  private keepSubscribed(): void {
    const subscriber = subscriberOf(this.connection);
    if (subscriber !== this.subscriber) {
      this.follow(subscriber);
      this.isSubscribed = false;
      this.lose();
    }
    if (this.isSubscribed || this.isResubscribing || subscriber === undefined || !isCluster(this.connection)) return;
    this.isResubscribing = true;
    this.inbox
      .resubscribe()
      // Lost again: the next turn sees to it.
      .catch((error: unknown) => (this.lastFailure = error))
      .finally(() => (this.isResubscribing = false));
  }

  private beat(): void {
    if (this.isEnded) return;
    const number = (this.number += 1);
    const nowMs = performance.now();
    for (const [name, master] of this.masters()) {
      this.pulse.sent(name, number, nowMs);
      if (master === undefined) {
        this.pulse.answered(name, number, 'failed');
        continue;
      }
      this.runner
        .run('PUBLISH', () => master.publish(this.beatChannel, `${number} ${name}`))
        .then(
          () => this.noticeLoss(this.pulse.answered(name, number, 'published')),
          (error: unknown) => {
            this.lastFailure = error;
            this.noticeLoss(this.pulse.answered(name, number, 'failed'));
          },
        );
    }
  }

  private hearBeat(text: string): void {
    const [, number, name = ''] = BEAT.exec(text) ?? [];
    this.noticeLoss(this.pulse.heard(name, Number(number)));
    if (!this.isDown || !this.isSubscribed || !this.pulse.isProven) return;
    this.isDown = false;
    this.lastFailure = undefined;
    this.isSilenceTold = false;
    this.events.gap();
  }

  private noticeLoss(loss: 'lost' | undefined): void {
    if (loss !== undefined && !this.isEnded) this.prove();
  }

  private judge(nowMs: number): void {
    if (this.isEnded || !this.pulse.isSilent(nowMs)) return;
    const isDeaf = this.pulse.isUnheard;
    this.lose();
    if (!this.isSilenceTold) this.events.silent(silence(isDeaf, this.lastFailure));
    this.isSilenceTold = true;
    if (!isDeaf || this.subscriber === undefined || nowMs - this.cutAtMs < CUT_EVERY_MS) return;
    this.cutAtMs = nowMs;
    cut(this.subscriber);
  }

  private readonly onClose = (): void => {
    this.isSubscribed = false;
    this.lose();
  };

  private follow(subscriber: Redis | undefined): void {
    this.subscriber?.off('close', this.onClose);
    this.subscriber = subscriber;
    subscriber?.on('close', this.onClose);
  }

  /** The commands may go to another server now, while this process still listens to the one before. */
  private onCommandsBack(listener: () => void): () => void {
    const { client } = this.runner;
    if (client === this.connection) return () => undefined;
    client.on('ready', listener);
    return () => client.off('ready', listener);
  }

  private masters(): ReadonlyMap<string, Redis | undefined> {
    return sendersOf(this.runner.client);
  }

  private async listen(channel: string, hear: (text: string) => void): Promise<void> {
    const subscribed = this.inbox.listen(channel, (text) => {
      if (!this.isEnded) hear(text);
    });
    // It may come when its time is up.
    const kept = subscribed.then((unlisten) => {
      if (this.isEnded) unlisten();
      else this.endings.push(unlisten);
    });
    await this.runner.run('SUBSCRIBE', () => kept);
  }
}

function silence(isDeaf: boolean, cause: unknown): Error {
  const what = isDeaf ? 'came back from' : 'could be sent to';
  return new Error(`nothing ${what} Redis for ${BUS_SILENCE_MS} ms: changed entries are not heard of`, { cause });
}
