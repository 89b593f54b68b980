import { beforeEach, describe, expect, it } from '@jest/globals';

import { CommitCommands } from '../../../src/redis/commands/commit-commands.js';
import type { EntryCommands } from '../../../src/redis/commands/entry-commands.js';
import type { IntentCommands } from '../../../src/redis/commands/intent-commands.js';
import type { ReplicaAcknowledgement } from '../../../src/redis/replicas/replica-acknowledgement.js';
import type { Proof } from '../../../src/redis/replicas/replica-connection.js';
import type { SettleRequest, WriteOperation } from '../../../src/store/intent-operations.js';
import { KeySpace } from '../../../src/store/key-space.js';

const write: WriteOperation = { kind: 'put', key: 'a', value: 'v', ttlMs: 0, strategy: 'timestamp' };
const check = { kind: 'check', key: 'a', expected: { kind: 'version', version: 0 } } as const;
const common = { txnId: 'txn', operations: [write], guards: [] };
const prepare = { ...common, decider: 'a', leftMs: 1, guardMs: 1 };
const settle: SettleRequest = { txnId: 'txn', verdict: 'committed', keys: ['a'], anchor: 'a', rememberMs: 1 };
const record = 'shop:d:{shop:e:a}:txn';

let asked: { step: string; proof: Proof }[];
let kind: string;
let commands: CommitCommands;

beforeEach(() => {
  asked = [];
  const answer = async (): Promise<unknown> => ({ kind, versions: [1] });
  const every = { commit: answer, resolve: answer, prepare: answer, decide: answer, settle: answer };
  const replicas = { confirm: async (step: string, proof: Proof) => void asked.push({ step, proof }) };
  commands = new CommitCommands(
    every as unknown as EntryCommands,
    every as unknown as IntentCommands,
    new KeySpace('shop'),
    replicas as unknown as ReplicaAcknowledgement,
  );
});

describe("a step of a commit with replicas: 'all'", () => {
  it.each([
    ['a commit', 'committed', () => commands.commit({ ...common, outcomeTtlMs: 1 })],
    ['a question', 'committed', () => commands.resolve({ ...common, outcomeTtlMs: 1 })],
    ['a decision', 'committed', () => commands.decide({ ...common, checks: [] })],
    ['a settled slot', 'committed', () => commands.settle(settle)],
  ])('G43: waits after %s until the replicas have its record', async (_what, success, run) => {
    kind = success;
    await run();
    expect(asked.map(({ proof: { key, field } }) => [key, field])).toEqual([[record, undefined]]);
    const { isGiven } = asked[0]!.proof;
    expect([isGiven('1'), isGiven('committed 1'), isGiven('aborted'), isGiven(null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('G43: waits after a prepare until the replicas have its own intents', async () => {
    kind = 'prepared';
    await commands.prepare(prepare);
    expect(asked.map(({ proof: { key, field } }) => [key, field])).toEqual([['shop:e:a', 'i']]);
    const { isGiven } = asked[0]!.proof;
    expect([isGiven('txn 1 put'), isGiven('txn2 1 put'), isGiven(null)]).toEqual([true, false, false]);
  });

  it.each([
    ['is refused', 'conflict', () => commands.commit({ ...common, outcomeTtlMs: 1 })],
    ['is refused to prepare', 'intent', () => commands.prepare(prepare)],
    ['only compares', 'committed', () => commands.commit({ ...common, operations: [check], outcomeTtlMs: 0 })],
    ['only keeps locks', 'prepared', () => commands.prepare({ ...prepare, operations: [] })],
    ['takes something back', '', () => commands.settle({ ...settle, verdict: 'aborted' })],
    ['is settled by somebody who only wants the key', '', () => commands.settle({ ...settle, isInPassing: true })],
  ])('G43: does not wait where it %s', async (_what, refusal, run) => {
    kind = refusal;
    await run();
    expect(asked).toEqual([]);
  });
});
