import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./worker-main.mjs', import.meta.url));
/** For a process to end after it was told to; then it is killed. */
const STOP_MS = 10_000;
/** For one call: the longest, a tenth of a million transactions, takes seconds. */
const CALL_MS = 300_000;

/** A Node process of its own with what `open(config)` of its file gave. */
export class Worker {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  #nextId = 1;
  #child;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
    child.on('message', (/** @type {any} */ { id, result, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`a worker ended: ${code ?? signal}`));
      this.#calls.clear();
    });
  }

  /**
   * Runs a method of what `open` gave; arguments and result travel as structured clones.
   *
   * @param {string} name
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  call(name, ...args) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} took longer than ${CALL_MS} ms`)), CALL_MS);
      const settle = (/** @type {(value: any) => void} */ how) => (/** @type {any} */ value) => {
        clearTimeout(timer);
        how(value);
      };
      this.#calls.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#child.send({ id, name, args }, (error) => error && this.#calls.get(id)?.reject(error));
    });
  }

  /** Ends it as a crash does (SIGKILL), in the middle of whatever it is doing. */
  async kill() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Lets the worker close what it opened, and waits for its end. */
  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.call('close').catch(() => undefined);
    if (this.#child.connected) this.#child.disconnect();
    await ended;
    clearTimeout(killer);
  }
}

/**
 * Starts a process that loads `file` and calls its `open(config)`. It ends with `close()`, and when this process ends.
 *
 * @param {URL} file
 * @param {object} config
 * @param {{ execArgv?: string[] }} [options] flags for Node
 */
export async function startWorker(file, config, { execArgv = [] } = {}) {
  const child = fork(MAIN, [file.href], {
    execArgv,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const worker = new Worker(child);
  try {
    await worker.call('open', config);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return worker;
}
