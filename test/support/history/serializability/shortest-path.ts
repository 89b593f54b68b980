import type { Graph } from './graph.js';

export interface PathOptions {
  /** The path stays within the component of its start. */
  readonly components: Int32Array;
  /** The kinds of edges that it may use. */
  readonly allowed: number;
  /** If not 0, a kind that one of its edges must have. */
  readonly required: number;
  /** No longer path is of use. */
  readonly limit: number;
}

/**
 * Finds shortest paths, counted in edges that leave a transaction: waypoints cost nothing.
 *
 * One object serves all searches in a graph, so that a search in a small component costs as much as the component.
 */
export class PathSearch {
  /** How many edges were looked at so far: what the searches have cost. */
  spent = 0;

  /** A state is a node, twice: without and with the required edge on the way to it. */
  private readonly distance: Int32Array;
  private readonly search: Int32Array;
  private readonly reachedBy: Int32Array;
  private readonly reachedFrom: Int32Array;
  private searches = 0;

  constructor(private readonly graph: Graph) {
    const states = 2 * graph.nodeCount;
    this.distance = new Int32Array(states);
    this.search = new Int32Array(states);
    this.reachedBy = new Int32Array(states);
    this.reachedFrom = new Int32Array(states);
  }

  /**
   * The edges of a shortest path, or undefined if there is none within the limit. It may pass a transaction twice if an edge is required:
   * once without it, and once with it.
   */
  find(start: number, goal: number, { components, allowed, required, limit }: PathOptions): number[] | undefined {
    const { first, to, kind, transactionCount } = this.graph;
    const component = components[start];
    const startState = 2 * start + (required === 0 ? 1 : 0);
    const goalState = 2 * goal + 1;
    this.searches += 1;
    this.reach(startState, 0, -1, -1);

    let level = [startState];
    for (let distance = 0; level.length > 0 && distance <= limit; distance += 1) {
      const nextLevel: number[] = [];
      // The free edges out of waypoints make the level grow while it is walked through.
      for (const state of level) {
        if (this.distance[state] !== distance) continue;
        if (state === goalState) return this.pathTo(state);
        const node = state >> 1;
        const isFree = node >= transactionCount;
        for (let edge = first[node]!; edge < first[node + 1]!; edge += 1) {
          this.spent += 1;
          const target = to[edge]!;
          if ((kind[edge]! & ~allowed) !== 0 || components[target] !== component) continue;
          const isSatisfied = (state & 1) === 1 || (kind[edge]! & required) !== 0;
          const next = 2 * target + (isSatisfied ? 1 : 0);
          const nextDistance = distance + (isFree ? 0 : 1);
          if (this.search[next] === this.searches && this.distance[next]! <= nextDistance) continue;
          this.reach(next, nextDistance, edge, state);
          (isFree ? level : nextLevel).push(next);
        }
      }
      level = nextLevel;
    }
    return undefined;
  }

  private reach(state: number, distance: number, edge: number, from: number): void {
    this.search[state] = this.searches;
    this.distance[state] = distance;
    this.reachedBy[state] = edge;
    this.reachedFrom[state] = from;
  }

  private pathTo(goal: number): number[] {
    const path: number[] = [];
    for (let state = goal; this.reachedFrom[state]! >= 0; state = this.reachedFrom[state]!)
      path.push(this.reachedBy[state]!);
    return path.reverse();
  }
}
