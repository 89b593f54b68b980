import { NO_ELEMENT, type Graph } from './graph.js';
import { PathSearch } from './shortest-path.js';

/** A class of cycles. */
export interface CycleClass {
  /** A kind of edge that each of them has; the search begins with it. */
  readonly closing: number;
  /** The kinds of edges that the rest of a cycle may have. */
  readonly allowed: number;
  /** If not 0, a kind that the rest must have too. */
  readonly required: number;
  /** The components of the graph of all these kinds, or of more. */
  readonly components: Int32Array;
  /** What else must be true of the transactions of a cycle. */
  readonly isWanted?: (transactions: readonly number[]) => boolean;
}

/** A step between two transactions, past all waypoints. */
export interface Step {
  readonly from: number;
  readonly to: number;
  readonly kind: number;
  readonly element: number;
}

/** So many beginnings of a cycle are tried in each component, to find a short one. */
const TRIES = 8;

/** So many edges are looked at for a class, in all its components, before a cycle that is not the shortest will do: a limit, so that a history that is broken everywhere is judged too. */
const BUDGET_EDGES = 5_000_000;

/** Searches the cycles of a graph: at most one of a class in a component, and a short one. */
export class CycleSearch {
  private readonly paths: PathSearch;

  constructor(private readonly graph: Graph) {
    this.paths = new PathSearch(graph);
  }

  /**
   * A cycle in each component that has one, by the component. Where the budget is used up, only the first beginning of a
   * component is tried, so that a class that not every closing edge belongs to may be missed.
   */
  find(cycles: CycleClass): Map<number, readonly Step[]> {
    const spentBefore = this.paths.spent;
    const isOverBudget = (): boolean => this.paths.spent - spentBefore > BUDGET_EDGES;
    const found = new Map<number, readonly Step[]>();
    for (const [component, edges] of this.closingEdges(cycles)) {
      let best: readonly Step[] | undefined;
      for (const [tried, edge] of edges.entries()) {
        if (tried > 0 && (isOverBudget() || (best && tried >= TRIES))) break;
        best = this.cycleThrough(edge, cycles, best) ?? best;
        if (best?.length === 2) break;
      }
      // A short cycle often shares a transaction with a long one: the one at which the history broke.
      for (let previous: typeof best; best && best !== previous && !isOverBudget();) {
        previous = best;
        for (const edge of this.closingEdgesFrom(best, cycles)) {
          if (isOverBudget()) break;
          best = this.cycleThrough(edge, cycles, best) ?? best;
        }
      }
      if (best) found.set(component, best);
    }
    return found;
  }

  private closingEdges(cycles: CycleClass): Map<number, number[]> {
    const byComponent = new Map<number, number[]>();
    for (let edge = 0; edge < this.graph.to.length; edge += 1) {
      if (!this.isClosing(edge, cycles)) continue;
      const component = cycles.components[this.graph.from[edge]!]!;
      const edges = byComponent.get(component);
      if (edges) edges.push(edge);
      else byComponent.set(component, [edge]);
    }
    return byComponent;
  }

  private *closingEdgesFrom(steps: readonly Step[], cycles: CycleClass): Generator<number> {
    const { first } = this.graph;
    for (const { from } of steps) {
      for (let edge = first[from]!; edge < first[from + 1]!; edge += 1) if (this.isClosing(edge, cycles)) yield edge;
    }
  }

  private isClosing(edge: number, { closing, components }: CycleClass): boolean {
    const { from, to, kind } = this.graph;
    return (kind[edge]! & closing) !== 0 && components[from[edge]!] === components[to[edge]!];
  }

  /** A shortest cycle through the edge, if it is shorter than the best so far. */
  private cycleThrough(
    edge: number,
    cycles: CycleClass,
    best: readonly Step[] | undefined,
  ): readonly Step[] | undefined {
    // The edge itself is one step of the cycle.
    const limit = best ? best.length - 2 : Infinity;
    const { from, to } = this.graph;
    const path = this.paths.find(to[edge]!, from[edge]!, { ...cycles, limit });
    if (!path) return undefined;
    const steps = this.stepsOf([edge, ...path]);
    const transactions = steps.map((step) => step.from);
    // Who stands in it twice makes it two cycles, of which one may be of another class.
    const isSimple = new Set(transactions).size === transactions.length;
    return isSimple && (cycles.isWanted?.(transactions) ?? true) ? steps : undefined;
  }

  private stepsOf(edges: readonly number[]): Step[] {
    const { from, to, kind, element, transactionCount } = this.graph;
    const steps: Step[] = [];
    let begun: { from: number; kind: number } | undefined;
    for (const edge of edges) {
      begun ??= { from: from[edge]!, kind: kind[edge]! };
      if (to[edge]! >= transactionCount) continue;
      steps.push({ ...begun, to: to[edge]!, element: element[edge] ?? NO_ELEMENT });
      begun = undefined;
    }
    return steps;
  }
}
