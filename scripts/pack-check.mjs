/**
 * Proves the package as a stranger gets it: packs the tarball, installs it into an empty project, once as ESM and once
 * as CommonJS, loads every entry there, compiles the README's quick start, runs it and sends its requests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { install, packTarball } from './pack-tarball.mjs';
import { complaint, readQuickStart } from './readme-quick-start.mjs';
import { own, run } from './run-program.mjs';
import { withWorkspace } from './workspace.mjs';

/** What an application has beside the library; the versions are the ones this project is developed with. */
const APPLICATION_PACKAGES = [
  ...['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'ioredis', 'msgpackr', 'reflect-metadata', 'rxjs'],
  ...['typescript', '@types/node'],
];

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    outDir: 'dist',
  },
  files: ['main.ts'],
};

/** Nest starts in about a second; the rest is for a busy machine. */
const START_TIMEOUT_MS = 30_000;

const root = new URL('..', import.meta.url).pathname;
let passed = 0;
let failed = 0;

await withWorkspace({ prefix: 'cache-txn-pack-' }, async (workspace) => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = APPLICATION_PACKAGES.map((name) => `${name}@${devDependencies[name]}`);
  const quickStart = readQuickStart(readFileSync(join(root, 'README.md'), 'utf8'));

  const { tarball, files: packed } = await packTarball(root, workspace);
  const scripts = readdirSync(join(root, 'src/redis/scripts'), { recursive: true, encoding: 'utf8' });
  const entries = ['', 'cls/', 'msgpack/', 'pg/', 'testing/'].flatMap((entry) =>
    ['js', 'd.ts'].map((type) => `dist/${entry}index.${type}`),
  );
  const expectedFiles = ['README.md', 'LICENSE', 'CHANGELOG.md', ...entries];
  for (const script of scripts.filter((name) => name.endsWith('.lua')))
    expectedFiles.push(`dist/redis/scripts/${script}`);
  await check('the tarball has the entries, the Lua files and the documents', () => {
    const missing = expectedFiles.filter((file) => !packed.has(file));
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
  });
  await check('the tarball has nothing but the build and documents', () => {
    const allowed = /^(dist|docs)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
    const others = [...packed].filter((file) => !allowed.test(file));
    if (others.length > 0) throw new Error(`not expected: ${others.join(', ')}`);
  });

  for (const type of ['module', 'commonjs']) {
    const project = join(workspace, type);
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'quick-start', private: true, type }));
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    writeFileSync(join(project, 'main.ts'), quickStart.program);
    await install(project, [tarball, ...packages]);

    // Without pg and nestjs-cls: they are named as types only.
    await check(`${type}: every entry loads`, async () => {
      const names = [
        'nestjs-cache-txn',
        ...['cls', 'msgpack', 'pg', 'testing'].map((entry) => `nestjs-cache-txn/${entry}`),
      ];
      const load = names.map((name) => (type === 'module' ? `await import('${name}');` : `require('${name}');`));
      await run('node', [`--input-type=${type}`, '--eval', load.join(' ')], project);
    });
    await check(`${type}: npx finds the command`, async () => {
      await run('npx', ['--no', 'nestjs-cache-txn', 'migrate', '--print'], project);
    });
    await check(`${type}: the quick start compiles`, async () => {
      await run('node', ['node_modules/typescript/bin/tsc'], project);
    });
    await runQuickStart(type, project, quickStart.requests);
  }
});
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

/**
 * Starts the compiled quick start on a free port, sends each request, and stops it by its pid.
 *
 * @param {string} type
 * @param {string} project
 * @param {readonly import('./readme-quick-start.mjs').Request[]} requests
 */
async function runQuickStart(type, project, requests) {
  const port = await freePort();
  const application = own(
    spawn('node', ['dist/main.js'], {
      cwd: project,
      env: { ...process.env, PORT: String(port), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let output = '';
  for (const stream of [application.stdout, application.stderr]) stream.on('data', (chunk) => (output += chunk));
  const closed = once(application, 'close');
  try {
    await check(`${type}: the quick start listens`, async () => {
      const deadline = performance.now() + START_TIMEOUT_MS;
      while (!(await isListening(port))) {
        if (application.exitCode !== null) throw new Error(`it ended with code ${application.exitCode}:\n${output}`);
        if (performance.now() > deadline) throw new Error(`not within ${START_TIMEOUT_MS} ms:\n${output}`);
        await sleep(50);
      }
    });
    for (const request of requests) {
      await check(`${type}: ${request.command}`, async () => {
        const command = `${request.command} --silent --show-error --max-time 10 --write-out '\\n%{http_code}'`;
        const reply = await run('bash', ['-c', command.replaceAll('localhost:3000', `localhost:${port}`)], project);
        const statusAt = reply.lastIndexOf('\n');
        const wrong = complaint(request, Number(reply.slice(statusAt)), reply.slice(0, statusAt));
        if (wrong !== undefined) throw new Error(`${wrong}\n${output}`);
      });
    }
  } finally {
    application.kill();
    const killer = setTimeout(() => application.kill('SIGKILL'), 10_000);
    await closed;
    clearTimeout(killer);
  }
}

/**
 * @param {string} title
 * @param {() => void | Promise<void>} body
 */
async function check(title, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${title}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${title}\n        ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
  return address.port;
}

/** @param {number} port */
async function isListening(port) {
  const socket = connect(port, 'localhost');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // Refused: not yet.
  } finally {
    socket.destroy();
  }
}
