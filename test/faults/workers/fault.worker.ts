/** The program of an application process of its own in a fault test: the same clients, actions and history. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LateLook } from '../actions.js';
import { startClient, type FaultClient } from '../client.js';
import { ACTIONS, Workload, type WorkloadOptions } from '../workload.js';
import { fileRecorder, machineMs, type Recorder } from '../../support/history/recorder.js';

export interface FaultWorkerOptions extends WorkloadOptions {
  readonly port: number;
  readonly namespace: string;
  readonly actor: string;
  /** Where it writes its history, as JSON lines. */
  readonly file: string;
}

/** What a process has open. */
export interface Resources {
  readonly sockets: number;
  readonly timers: number;
}

let client: FaultClient;
let workload: Workload;
let recorder: Recorder;
let goOn: () => void = () => undefined;
let late: Promise<LateLook> | undefined;

export const calls = {
  async start(options: FaultWorkerOptions): Promise<void> {
    recorder = fileRecorder(options.actor, options.file);
    const incident = (what: string): void => recorder.record({ kind: 'incident', what });
    process.on('warning', (warning) => incident(`warning: ${warning.message}`));
    // Written down before it ends the process, as it should.
    process.on('uncaughtExceptionMonitor', (error) => incident(`uncaught: ${error.stack}`));
    client = await startClient(options);
    client.app.enableShutdownHooks();
    workload = new Workload(client, recorder, options);
  },

  async heals(): Promise<void> {
    await workload.heals();
  },

  /** Three callers do everything in turn for a while. */
  async work(ms: number): Promise<void> {
    const endsAtMs = machineMs() + ms;
    const work = async (number: number): Promise<void> => {
      const caller = workload.caller(`storm ${number}`);
      while (machineMs() < endsAtMs) {
        for (const action of ACTIONS) await caller[action]();
        await sleep(1);
      }
    };
    await Promise.all([work(1), work(2), work(3)]);
  },

  /** Stops the work and closes the application. */
  async finish(): Promise<void> {
    await workload.stop();
    await client.close();
  },

  async resources(): Promise<Resources> {
    const active = process.getActiveResourcesInfo();
    const count = (kind: string): number => active.filter((name) => name === kind).length;
    return { sockets: count('TCPSocketWrap'), timers: count('Timeout') };
  },

  /**
   * Holds two locks of its own for a while. Answers how the release of the renewed one ended, and how long after it was
   * asked for the signal of the other one fired, which is not renewed.
   */
  async holdTwo(ms: number): Promise<{ readonly renewed: string; readonly left: number }> {
    const renewed = await client.locks.acquire('renewed');
    const askedAtMs = machineMs();
    const brief = await client.locks.acquire('brief', { renew: false });
    const left = new Promise<number>((resolve) => {
      brief.signal.addEventListener('abort', () => resolve(machineMs() - askedAtMs));
    });
    await sleep(ms);
    renewed.assertHeld();
    return { renewed: await renewed.release(), left: await left };
  },

  async wallClockMs(): Promise<number> {
    return Date.now();
  },

  /** Begins a locked write; answers when it holds the lock. It goes on with `finishLate`, whatever has happened to it. */
  async beginLate(withinMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const meanwhile = (): Promise<void> => {
        resolve();
        return new Promise((release) => (goOn = release));
      };
      late = workload.caller('late').lateWrite(meanwhile, withinMs);
      late.catch(reject);
    });
  },

  async finishLate(): Promise<LateLook> {
    goOn();
    return late!;
  },

  /** A locked write whose method keeps the event loop busy. */
  async blockedWrite(busyMs: number, withinMs: number): Promise<LateLook> {
    const block = (): void => {
      const endsAtMs = performance.now() + busyMs;
      while (performance.now() < endsAtMs);
    };
    return workload.caller('busy').lateWrite(block, withinMs);
  },
};
