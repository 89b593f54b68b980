/** The program of an application process whose transactions each get to a failpoint of their own. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lock } from '../../../src/lock/lock.js';
import { outcomeOf } from '../../support/history/outcome.js';
import type { Outcome } from '../../support/history/event.js';
import { fileRecorder, type Recorder } from '../../support/history/recorder.js';
import type { Cell } from '../crash-points/cells.js';
import { type Failpoint, Failpoints } from '../crash-points/failpoints.js';
import { type CrashMember, type CrashMemberOptions, replaceAll, startMember } from '../crash-points/member.js';

export interface CrashWorkerOptions extends CrashMemberOptions {
  /** Where its history goes, as JSON lines. */
  readonly file: string;
}

/** A transaction that has reached its failpoint, or that never will. */
export interface Arrival {
  readonly cell: string;
  /** What it writes. */
  readonly op: string;
  readonly isThere: boolean;
}

/** What the caller of a transaction was told. */
export interface Told {
  readonly cell: string;
  readonly outcome: Outcome;
  readonly code: string | undefined;
}

/** The longest that a stopped process is stopped, and a commit whose answers are lost. */
const SETTLES_WITHIN_MS = 30_000;
/** What the owner does after its caller has the answer takes a few messages. */
const REST_MS = 500;
/** One for each third of the slots. */
const WARMING_KEYS = ['{a}:warm', '{b}:warm', '{c}:warm'];

let failpoints: Failpoints;
let told: Promise<Told>[];
let member: CrashMember;
let recorder: Recorder;

export const calls = {
  async start(options: CrashWorkerOptions): Promise<void> {
    recorder = fileRecorder('owner', options.file);
    process.on('uncaughtExceptionMonitor', (error) => {
      recorder.record({ kind: 'incident', what: `uncaught: ${error.stack}` });
    });
    member = await startMember(options);
    // The first ones connect to every master and send every script.
    const warming = Object.fromEntries(WARMING_KEYS.map((key) => [key, '']));
    await member.cache.setMany(warming, { ttl: '10m' });
  },

  /** Begins all transactions; answers when each is at its failpoint. */
  async begin(cells: readonly Cell[]): Promise<readonly Arrival[]> {
    failpoints = new Failpoints();
    told = [];
    // Their time does not begin before they can begin.
    await member.database?.warm(cells.length);
    member.store.always('*', failpoints.pass);
    member.database?.always(failpoints.pass);
    return Promise.all(cells.map(begin));
  },

  /** Who is parked goes on. Answers what the callers were told of all that have begun together. */
  async finish(): Promise<readonly Told[]> {
    failpoints.open();
    return Promise.all(told);
  },
};

async function begin(cell: Cell): Promise<Arrival> {
  let op = '';
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const settled = write(cell, (begun) => (op = begun), reach);
  told.push(settled);
  // The caller may have its answer before the owner has gone through the last steps.
  const isNotThere = settled.then(() => sleep(REST_MS)).then(() => false);
  const isThere = await Promise.race([reached.then(() => true), isNotThere]);
  return { cell: cell.name, op, isThere };
}

/** One transaction that replaces all keys of the cell by its own name. */
async function write(cell: Cell, begun: (op: string) => void, reach: () => void): Promise<Told> {
  const { cache, coordinator, locks } = member;
  const { fate, keys, readKey, lockName, name } = cell;
  let code: string | undefined;
  const outcome = await recorder.as(fate).call(`write, ${name}`, SETTLES_WITHIN_MS, async (op) => {
    begun(op);
    let lock: Lock | undefined;
    try {
      if (lockName !== undefined) lock = await locks.acquire(lockName);
      await coordinator.run({ locks: lock ? [lock] : [] }, async (txn) => {
        void failpoints.arm(txn.id, failpointsOf(cell)).then(reach);
        await cache.getMany(readKey === undefined ? keys : [...keys, readKey]);
        await replaceAll(member, cell, op);
      });
    } catch (error) {
      ({ code } = outcomeOf(error));
      throw error;
    } finally {
      await lock?.release();
    }
  });
  return { cell: name, outcome, code };
}

function failpointsOf({ step, moment, fate, thrown }: Cell): readonly Failpoint[] {
  const { mishap, operation, nth } = step;
  const isDecided = step.decided === 'before' || (step.decided === 'by it' && moment === 'after');
  return [
    ...(mishap ? [{ ...mishap, nth: 1, act: mishap.error, isDecided: false }] : []),
    { operation, nth, moment, act: fate === 'throw' ? thrown : 'park', isDecided },
  ];
}
