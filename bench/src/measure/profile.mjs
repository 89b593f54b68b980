import { Session } from 'node:inspector/promises';

const SAMPLE_US = 500;

/** Waiting, and the profiler's own start and stop. */
const NOT_WORK = new Set(['(idle)', 'dispatch']);

/** Where a function's time is counted, first match. */
const PLACES = [
  { place: 'nestjs-cache-txn', pattern: /node_modules\/nestjs-cache-txn\// },
  { place: 'ioredis', pattern: /node_modules\/(ioredis|@ioredis|denque|standard-as-callback)\// },
  { place: 'other packages', pattern: /node_modules\// },
  { place: 'Node', pattern: /^node:/ },
  { place: 'the bench', pattern: /^file:/ },
];

/**
 * Runs `work` under V8's sampling profiler, the one behind `--cpu-prof`, which would count the start of the process too.
 *
 * @param {() => Promise<unknown>} work
 */
export async function profileOf(work) {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    return summarizeProfile(/** @type {any} */ (profile));
  } finally {
    session.disconnect();
  }
}

/**
 * @typedef {{ id: number, callFrame: { functionName: string, url: string, lineNumber: number } }} ProfileNode
 */

/**
 * Parts of the busy time, by place and by function (self time).
 *
 * @param {{ nodes: ProfileNode[], samples: number[], timeDeltas: number[] }} profile
 * @param {number} [count] functions to name
 */
export function summarizeProfile({ nodes, samples, timeDeltas }, count = 15) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  /** @type {Map<string, number>} */
  const places = new Map();
  /** @type {Map<string, number>} */
  const functions = new Map();
  let busyUs = 0;
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    const us = timeDeltas[i] ?? 0;
    if (frame === undefined || (frame.url === '' && NOT_WORK.has(frame.functionName))) return;
    busyUs += us;
    const place = placeOf(frame);
    places.set(place, (places.get(place) ?? 0) + us);
    const name = `${frame.functionName || '(anonymous)'} (${fileOf(frame) ?? place})`;
    functions.set(name, (functions.get(name) ?? 0) + us);
  });
  const parts = (/** @type {Map<string, number>} */ sums) =>
    [...sums].sort(([, a], [, b]) => b - a).map(([name, us]) => ({ name, part: us / busyUs }));
  return { places: parts(places), functions: parts(functions).slice(0, count) };
}

/** @param {ProfileNode['callFrame']} frame */
function placeOf({ functionName, url }) {
  if (functionName === '(garbage collector)') return 'garbage collector';
  return PLACES.find(({ pattern }) => pattern.test(url))?.place ?? 'native code';
}

/** A path inside its package. @param {ProfileNode['callFrame']} frame */
function fileOf({ url }) {
  return url === '' ? undefined : (/node_modules\/(.*)$/.exec(url)?.[1] ?? url.replace(/^file:.*\/src\//, ''));
}
