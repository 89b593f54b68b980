/** Plays episodes for `scripts/simulate-near.mjs`, one after the other, and says how far it is. */
import { EPISODE_STEPS, runEpisode } from './run-episode.js';

const [steps = EPISODE_STEPS, seed = 1] = process.argv.slice(2).map(Number);
const TENTHS = 10;

const sum = { reads: 0, staleReads: 0, worstStaleMs: 0, worstShare: 0, transactions: 0, conflicts: 0 };
const startedAt = performance.now();
let played = 0;
let told = 0;
for (let episode = seed; played < steps; episode += 1) {
  const result = await runEpisode(episode, Math.min(EPISODE_STEPS, steps - played));
  if (result.problems.length > 0) {
    say(`seed ${episode}: ${result.problems.join('\n  ')}`);
    say(`  to replay it: npm run simulate:near -- --steps=${EPISODE_STEPS} --seed=${episode}`);
    process.exitCode = 1;
    break;
  }
  played += result.steps;
  for (const name of ['reads', 'staleReads', 'transactions', 'conflicts'] as const) sum[name] += result[name];
  for (const name of ['worstStaleMs', 'worstShare'] as const) sum[name] = Math.max(sum[name], result[name]);
  const tenth = Math.floor((played * TENTHS) / steps);
  if (tenth > told) say(`${tenth * TENTHS} %: ${summary()}`);
  told = tenth;
}
if (process.exitCode === undefined) say(`done; nothing is wrong, from seed ${seed}`);

function summary(): string {
  const { conflicts, reads, staleReads, transactions, worstShare, worstStaleMs } = sum;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  return (
    `${played} steps, ${reads} plain reads, ${staleReads} of them of what was over, for ${worstStaleMs.toFixed(0)} ms and ` +
    `${(worstShare * 100).toFixed(1)} % of the bound at most; ${transactions} transactions, ${conflicts} given up; ${seconds} s`
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
