/** Runs the model explorer, test/model/run.ts, with the arguments of this program. */
import { javascriptOf } from '../test/support/processes/javascript-tree.mjs';

const program = await javascriptOf(new URL('../test/model/run.ts', import.meta.url));
await import(program.href);
