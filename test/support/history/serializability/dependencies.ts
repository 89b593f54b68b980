import type { AppendRecord } from './appends.js';
import { EDGE, type GraphBuilder } from './graph.js';
import type { KeyOrder } from './version-order.js';

/**
 * Writes down who depends on whom through one key. Only neighbours get an edge; what follows from them is a path.
 *
 * - ww: from the writer of a version to the writer of the next one, and from the last that was read to every append that
 *   nobody read.
 * - wr: from the writer of the last element that a read shows.
 * - rw: from a read to the writer of the first element that it does not show; or, if it shows all that was ever read, to
 *   every append that nobody read.
 *
 * From a fork nothing follows: its place among the versions is not known, and it was told already.
 */
export function addDependencies(graph: GraphBuilder, order: KeyOrder, lost: ReadonlySet<AppendRecord>): void {
  const { chain, reads, forks, unread } = order;
  const known = chain.filter((record) => record !== undefined);
  for (const [i, record] of known.entries()) {
    const before = known[i - 1];
    if (before) graph.add(before.writer, record.writer, EDGE.ww, record.number);
  }

  const places = new NeighbourPlaces(chain);
  const atTheEnd: number[] = [];
  for (const read of reads) {
    if (forks.has(read)) continue;
    const seen = places.lastBefore(read.length, read.reader);
    if (seen) graph.add(seen.writer, read.reader, EDGE.wr, seen.number);
    const missed = places.firstFrom(read.length);
    // If that is the reader's own, the rest follows from the ww that it has.
    if (missed) graph.add(read.reader, missed.writer, EDGE.rw, missed.number);
    else atTheEnd.push(read.reader);
  }

  const last = known.at(-1);
  for (const [group, bit] of [
    [unread.filter((record) => !lost.has(record)), 0],
    [unread.filter((record) => lost.has(record)), EDGE.lost],
  ] as const) {
    const writers = [...new Map(group.toReversed().map((record) => [record.writer, record])).values()];
    if (last) for (const { writer, number } of writers) graph.add(last.writer, writer, EDGE.ww | bit, number);
    addUnseen(graph, [...new Set(atTheEnd)], writers, EDGE.rw | bit);
  }
}

/** Finds the neighbours of a version among those who committed. */
class NeighbourPlaces {
  private readonly next: (AppendRecord | undefined)[];

  constructor(private readonly chain: readonly (AppendRecord | undefined)[]) {
    this.next = [...chain];
    for (let at = chain.length - 2; at >= 0; at -= 1) this.next[at] ??= this.next[at + 1];
  }

  firstFrom(at: number): AppendRecord | undefined {
    return this.next[at];
  }

  lastBefore(length: number, reader: number): AppendRecord | undefined {
    for (let at = length - 1; at >= 0; at -= 1) {
      const record = this.chain[at];
      if (record && record.writer !== reader) return record;
    }
    return undefined;
  }
}

/**
 * Every reader before every writer but itself.
 *
 * Two rows of waypoints, one that leads on to all writers from a place on and one to all up to a place, let a reader that is
 * a writer too leave itself out: by one waypoint for all, it would come before itself.
 */
function addUnseen(
  graph: GraphBuilder,
  readers: readonly number[],
  writers: readonly AppendRecord[],
  kind: number,
): void {
  if (readers.length === 0 || writers.length === 0) return;
  const upTo = rowOf(graph, writers);
  const fromOn = rowOf(graph, writers.toReversed()).reverse();
  const placeOf = new Map(writers.map(({ writer }, place) => [writer, place]));
  for (const reader of readers) {
    const place = placeOf.get(reader) ?? -1;
    for (const waypoint of [upTo[place - 1], fromOn[place + 1]])
      if (waypoint !== undefined) graph.add(reader, waypoint, kind);
  }
}

/** For each writer a waypoint that leads to it and to all before it. */
function rowOf(graph: GraphBuilder, writers: readonly AppendRecord[]): number[] {
  const row: number[] = [];
  for (const { writer, number } of writers) {
    const before = row.at(-1);
    const waypoint = graph.addWaypoint();
    graph.lead(waypoint, writer, number);
    if (before !== undefined) graph.lead(waypoint, before);
    row.push(waypoint);
  }
  return row;
}
