import type { Graph } from './graph.js';

const UNSEEN = -1;

/**
 * The strongly connected components of the graph with those edges alone whose kinds are in `allowed`: two nodes have the
 * same number if each can be reached from the other. Every cycle lies within one.
 *
 * Tarjan's algorithm, with a stack of its own: the graph may be deeper than the stack of calls.
 */
export function componentsOf({ nodeCount, first, to, kind }: Graph, allowed: number): Int32Array {
  const component = new Int32Array(nodeCount).fill(UNSEEN);
  const order = new Int32Array(nodeCount).fill(UNSEEN);
  /** The earliest node in the order that is known to be reachable and is still open. */
  const low = new Int32Array(nodeCount);
  const nextEdge = first.slice(0, nodeCount);
  /** Nodes whose component is not known yet. */
  const open: number[] = [];
  const path: number[] = [];
  let [visited, components] = [0, 0];

  for (let root = 0; root < nodeCount; root += 1) {
    if (order[root] === UNSEEN) enter(root);
    while (path.length > 0) {
      const node = path[path.length - 1]!;
      const edge = nextEdge[node]!;
      if (edge === first[node + 1]) {
        path.pop();
        leave(node, path[path.length - 1]);
        continue;
      }
      nextEdge[node] = edge + 1;
      if ((kind[edge]! & ~allowed) !== 0) continue;
      const target = to[edge]!;
      if (order[target] === UNSEEN) enter(target);
      else if (component[target] === UNSEEN) low[node] = Math.min(low[node]!, order[target]!);
    }
  }
  return component;

  function enter(node: number): void {
    order[node] = low[node] = visited;
    visited += 1;
    open.push(node);
    path.push(node);
  }

  function leave(node: number, parent: number | undefined): void {
    if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!);
    if (low[node] !== order[node]) return;
    for (let member = open.pop(); member !== undefined; member = member === node ? undefined : open.pop())
      component[member] = components;
    components += 1;
  }
}
