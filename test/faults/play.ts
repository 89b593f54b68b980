import type { HistoryEvent } from '../support/history/event.js';
import { assertSound, type SoundnessOptions } from '../support/history/soundness.js';
import { summaryOf } from '../support/history/summary.js';
import { Episode, type EpisodeOptions } from './episode.js';
import { FAULT_ROUNDS, FAULT_SEED, roundsOf } from './seed.js';

/** A fault, and what must hold under it. */
export interface FaultPlay extends Omit<EpisodeOptions, 'round'> {
  /** Of the fault, such as `F01`; its chance comes from it. */
  readonly name: string;
  /** Disturbs an episode in which everybody works. When it ends, the fault is over; the network heals by itself. */
  trouble(episode: Episode, random: () => number): Promise<void>;
  /** Demands that the fault was felt: one that changes nothing proves nothing. */
  felt(events: readonly HistoryEvent[], episode: Episode): void | Promise<void>;
  /** What the history is checked against, if not everything. */
  readonly sound?: SoundnessOptions;
}

/** How long trouble lasts in one round. */
export const TROUBLE_MS = 1_000;

/** The time limit of a test: a round takes a few seconds, and a busy machine has every right to be slow. */
export const PLAY_LIMIT_MS = 45_000 * FAULT_ROUNDS;

/** Every action succeeds at least as often in a round: `heals` asks for it before and after the trouble. */
const LEAST_OK = 2;

/** Refuses a history in which nobody did anything. */
function demandWork(events: readonly HistoryEvent[]): void {
  const { close: _close, ...actions } = summaryOf(events);
  const idle = Object.entries(actions).filter(([, { ok }]) => ok < LEAST_OK);
  if (idle.length > 0) throw new Error(`nothing to check, because too little succeeded: ${JSON.stringify(idle)}`);
}

/** Plays a fault in every round, and checks the history of each. */
export async function playFault(play: FaultPlay): Promise<void> {
  for (const round of roundsOf(play.name)) {
    const episode = await Episode.start({ ...play, round });
    try {
      await Promise.all(episode.workloads.map((workload) => workload.heals()));
      await play.trouble(episode, round.random);
      const events = await episode.finish();
      assertSound(events, FAULT_SEED, play.sound);
      demandWork(events);
      await play.felt(events, episode);
    } catch (error) {
      if (error instanceof Error)
        error.message = `${play.name}, round ${round.number}, FAULT_SEED=${FAULT_SEED}: ${error.message}`;
      throw error;
    } finally {
      await episode.stop();
    }
  }
}
