/**
 * The kinds of an edge, as bits. An edge may be used where all its bits are allowed. `lost` marks what is inferred about a
 * lost append, so that the search for contradictions in time can leave it alone: it was told already.
 */
export const EDGE = { ww: 1, wr: 2, rw: 4, rt: 8, lost: 16 } as const;

/** No append shows the edge. */
export const NO_ELEMENT = -1;

/**
 * A graph whose first nodes are the transactions, by their place in the history, and whose other nodes are waypoints.
 *
 * A waypoint stands for many edges of one kind at once, from all that enter it to all it leads to, where writing each of
 * them down would take n² of them. The edge into it has the kind; the edges out of it have none, and cost nothing.
 *
 * Edges stand in the order of their `from`: those of a node are `first[node]` up to, not including, `first[node + 1]`.
 */
export interface Graph {
  readonly transactionCount: number;
  readonly nodeCount: number;
  readonly first: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly kind: Uint8Array;
  /** The number of the append that shows the edge. */
  readonly element: Int32Array;
}

/** Collects edges. */
export class GraphBuilder {
  private nodeCount: number;
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly kind: number[] = [];
  private readonly element: number[] = [];

  constructor(private readonly transactionCount: number) {
    this.nodeCount = transactionCount;
  }

  /** An edge between two nodes; one from a node to itself says nothing and is dropped. */
  add(from: number, to: number, kind: number, element = NO_ELEMENT): void {
    if (from === to) return;
    this.from.push(from);
    this.to.push(to);
    this.kind.push(kind);
    this.element.push(element);
  }

  /** A new node that is no transaction. */
  addWaypoint(): number {
    this.nodeCount += 1;
    return this.nodeCount - 1;
  }

  /** An edge out of a waypoint. */
  lead(waypoint: number, to: number, element = NO_ELEMENT): void {
    this.add(waypoint, to, 0, element);
  }

  build(): Graph {
    const { nodeCount, transactionCount } = this;
    const edgeCount = this.from.length;
    const first = new Int32Array(nodeCount + 1);
    for (const from of this.from) first[from + 1]! += 1;
    for (let node = 0; node < nodeCount; node += 1) first[node + 1]! += first[node]!;
    const next = first.slice();
    const [from, to, element] = [new Int32Array(edgeCount), new Int32Array(edgeCount), new Int32Array(edgeCount)];
    const kind = new Uint8Array(edgeCount);
    for (let edge = 0; edge < edgeCount; edge += 1) {
      const start = this.from[edge]!;
      const place = next[start]!;
      next[start] = place + 1;
      from[place] = start;
      to[place] = this.to[edge]!;
      kind[place] = this.kind[edge]!;
      element[place] = this.element[edge]!;
    }
    return { transactionCount, nodeCount, first, from, to, kind, element };
  }
}
