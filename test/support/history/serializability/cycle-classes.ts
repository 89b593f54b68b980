import type { AnomalyKind } from './anomaly.js';
import { componentsOf } from './components.js';
import { CycleSearch, type CycleClass, type Step } from './cycle-search.js';
import { EDGE, type Graph } from './graph.js';

export interface FoundCycle {
  readonly kind: AnomalyKind;
  readonly steps: readonly Step[];
}

const WRITES = EDGE.ww | EDGE.lost;
const VISIBLE = WRITES | EDGE.wr;
const DEPENDENCIES = VISIBLE | EDGE.rw;
/** Without the lost appends: each of them has a reader that came too late, and was told as what it is. */
const IN_TIME = EDGE.ww | EDGE.wr | EDGE.rw | EDGE.rt;

/** The cycles that read-committed forbids: G0 and G1c. Of each class one for each tangle of transactions. */
export function readCommittedCycles(graph: Graph): FoundCycle[] {
  const search = new CycleSearch(graph);
  return [
    ...all('G0', search, { closing: EDGE.ww, allowed: WRITES, required: 0, components: componentsOf(graph, WRITES) }),
    ...all('G1c', search, {
      closing: EDGE.wr,
      allowed: VISIBLE,
      required: 0,
      components: componentsOf(graph, VISIBLE),
    }),
  ];
}

/** The other cycles, which contradict serializability: G-single, G2-item, and, if the graph knows the time, `real-time`. */
export function serializableCycles(graph: Graph): FoundCycle[] {
  const search = new CycleSearch(graph);
  const components = componentsOf(graph, DEPENDENCIES);
  const withRw = { closing: EDGE.rw, required: 0, components };
  const single = search.find({ ...withRw, allowed: VISIBLE });
  const item = search.find({ ...withRw, allowed: DEPENDENCIES, required: EDGE.rw });
  // What both searches were too short of budget to find: every component with an rw has a cycle with it.
  for (const [component, steps] of search.find({ ...withRw, allowed: DEPENDENCIES })) {
    if (single.has(component) || item.has(component)) continue;
    const isSingle = steps.filter(({ kind }) => (kind & EDGE.rw) !== 0).length === 1;
    (isSingle ? single : item).set(component, steps);
  }
  return [
    ...named('G-single', single),
    ...named('G2-item', item),
    ...all('real-time', search, {
      closing: EDGE.rt,
      allowed: IN_TIME,
      required: 0,
      components: componentsOf(graph, IN_TIME),
      // Those who contradict each other without a clock were told already.
      isWanted: (transactions) => new Set(transactions.map((transaction) => components[transaction])).size > 1,
    }),
  ];
}

function all(kind: AnomalyKind, search: CycleSearch, cycles: CycleClass): FoundCycle[] {
  return named(kind, search.find(cycles));
}

function named(kind: AnomalyKind, found: ReadonlyMap<number, readonly Step[]>): FoundCycle[] {
  return [...found.values()].map((steps) => ({ kind, steps }));
}
