import { hashSlot } from '../../../src/store/hash-slot.js';
import { between, pick } from '../seed.js';
import { databaseSteps } from './database-steps.js';
import { slotSteps } from './slot-steps.js';
import { isAtDatabase, isOneSlot, type Moment, type Shape, type Step } from './steps.js';

/** What becomes of the owner at its failpoint. */
export type Fate = 'kill' | 'stop' | 'throw';

/** What the store, or the database, throws at the owner: it has no connection, there was no answer, or it is broken. */
export type Thrown = 'unavailable' | 'timeout' | 'bug';

/** One transaction of the matrix: what it spans, where its owner meets its fate, and which. */
export interface Cell {
  readonly name: string;
  readonly shape: Shape;
  readonly step: Step;
  readonly moment: Moment;
  readonly fate: Fate;
  /** Of the fate `throw`. */
  readonly thrown: Thrown;
  /** Two in each slot. */
  readonly keys: readonly string[];
  /** Read only, in a slot of its own. */
  readonly readKey?: string;
  /** In a slot of its own. */
  readonly lockName?: string;
  /** Whether its keys were there before. */
  readonly isSeeded: boolean;
  /** Whether somebody reads its keys from the fate of the owner on; if not, they are left to who sweeps. */
  readonly isWatched: boolean;
  /** Whether somebody else writes its keys while the owner is stopped. */
  readonly isOverwritten: boolean;
}

const MOMENTS: readonly Moment[] = ['before', 'after'];

/** Every failpoint of the shapes, with one of the errors that may be thrown there. */
export function cellsOf(shapes: readonly Shape[], fate: Fate, random: () => number): Cell[] {
  return shapes.flatMap((shape) =>
    (shape.decider === 'database' ? databaseSteps(shape) : slotSteps(shape)).flatMap((step) =>
      MOMENTS.map((moment) => {
        const thrown = pick(random, thrownAt(shape, step, moment));
        return makeCell({ shape, step, moment, fate, thrown }, random);
      }),
    ),
  );
}

/** Every failpoint with every fate, each with so many of the shapes that have it, for whoever has not the time for all. */
export function sampleOf(cells: readonly Cell[], most: number, random: () => number): Cell[] {
  const alike = new Map<string, Cell[]>();
  for (const cell of cells) {
    const point = `${cell.fate} ${cell.moment} ${cell.step.name}`;
    alike.set(point, [...(alike.get(point) ?? []), cell]);
  }
  return [...alike.values()].flatMap((some) => {
    const first = between(random, 0, some.length - 1);
    return [...some.slice(first), ...some.slice(0, first)].slice(0, most);
  });
}

/** Nobody knows of a transaction that was not listed, but for who meets its writes (ADR 6). */
export function isUnlisted({ step, moment, fate }: Cell): boolean {
  return fate !== 'throw' && step.operation === 'openTransaction' && moment === 'before';
}

/** Whether the writes are visible for good once the owner has met its fate; undefined where what it does later decides. */
export function isVisible({ shape, step, moment, fate }: Cell): boolean | undefined {
  if (step.decided !== 'by it') return step.decided === 'before';
  if (moment === 'after') return true;
  // A commit in one slot has no deadline: what its owner sends after a pause counts, unless the keys have changed.
  return fate === 'stop' && isOneSlot(shape) ? undefined : false;
}

function thrownAt(shape: Shape, { operation }: Step, moment: Moment): readonly Thrown[] {
  if (moment === 'before' || isAtDatabase(operation)) return ['unavailable', 'timeout', 'bug'];
  // A store that answers a commit which it has applied with an error of its own breaks the port's contract.
  return isOneSlot(shape) && operation === 'commit' ? ['timeout'] : ['timeout', 'bug'];
}

type Point = Pick<Cell, 'shape' | 'step' | 'moment' | 'fate' | 'thrown'>;

function makeCell(point: Point, random: () => number): Cell {
  const { shape, step, moment, fate, thrown } = point;
  // Until its mark the server lets an owner keep its rows for as long as it is stopped.
  const mayOverwrite = fate === 'stop' && !(step.operation === 'mark' && moment === 'before');
  const tags = tagsInDifferentSlots(shape.slots + 2, random);
  const id = between(random, 0, 0xffff_ffff).toString(36);
  const keyIn = (tag: string | undefined, what: string): string => `{${tag}}:${id}:${what}`;
  const how = fate === 'throw' ? `throw (${thrown})` : fate;
  const spans = `${shape.slots} slots${shape.reads ? ' + read' : ''}${shape.locks ? ' + lock' : ''}`;
  return {
    ...point,
    name: `${how} ${moment} ${step.name}, ${spans} #${id}`,
    keys: tags.slice(2).flatMap((tag) => [keyIn(tag, 'a'), keyIn(tag, 'b')]),
    ...(shape.reads && { readKey: keyIn(tags[0], 'read') }),
    ...(shape.locks && { lockName: keyIn(tags[1], 'lock') }),
    isSeeded: random() < 0.75,
    isWatched: random() < 0.5,
    isOverwritten: mayOverwrite && random() < 0.5,
  };
}

function tagsInDifferentSlots(count: number, random: () => number): string[] {
  const tags = new Map<number, string>();
  while (tags.size < count) {
    const tag = `t${between(random, 0, 0xffff)}`;
    tags.set(hashSlot(tag), tag);
  }
  return [...tags.values()];
}
