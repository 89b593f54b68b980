/** What runs in a worker: loads the file it is given and answers calls, see worker.mjs. */
const [, , file = ''] = process.argv;

/** @type {Record<string, (...args: any[]) => unknown> | undefined} */
let opened;

/** @param {{ id: number, name: string, args: any[] }} request */
async function answer({ id, name, args }) {
  try {
    if (name === 'open') {
      opened = await (await import(file)).open(...args);
      send({ id });
    } else {
      send({ id, result: await opened?.[name]?.(...args) });
    }
  } catch (error) {
    send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

/** @param {object} reply */
function send(reply) {
  if (process.connected) process.send?.(reply);
}

process.on('message', (request) => void answer(/** @type {any} */ (request)));
// The parent has closed this worker, or is gone: whatever is still open must not keep the process.
process.on('disconnect', () => process.exit(0));
