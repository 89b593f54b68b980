#!/usr/bin/env node
import { runCommand } from './run-command.js';

/** The program behind `npx nestjs-cache-txn`. */
const context = {
  out: (line: string) => process.stdout.write(`${line}\n`),
  err: (line: string) => process.stderr.write(`${line}\n`),
  env: process.env,
  load: (name: string): Promise<unknown> => import(name),
};
void runCommand(process.argv.slice(2), context).then((code) => (process.exitCode = code));
