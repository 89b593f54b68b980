import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARY = 'nestjs-cache-txn';

/**
 * Makes bench/node_modules what its lock file says, when it is not, and puts the library there as npm would publish it:
 * packed, from its present `dist`. A link would bring a second copy of Nest and ioredis with it.
 *
 * @param {string} benchFolder
 * @param {string} libraryFolder built
 */
export function install(benchFolder, libraryFolder) {
  const modules = join(benchFolder, 'node_modules');
  const stamp = join(modules, '.installed-from');
  const wanted = createHash('sha256')
    .update(readFileSync(join(benchFolder, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], benchFolder);
    writeFileSync(stamp, wanted);
  }
  const folder = join(modules, LIBRARY);
  const packed = mkdtempSync(join(tmpdir(), 'cache-txn-bench-pack-'));
  try {
    const output = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', packed], libraryFolder);
    const [{ filename }] = JSON.parse(output);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    run('tar', ['-xzf', join(packed, filename), '--strip-components=1', '-C', folder], benchFolder);
  } finally {
    rmSync(packed, { recursive: true, force: true });
  }
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const missing = Object.keys(dependencies).filter((name) => !existsSync(join(modules, name)));
  if (missing.length > 0)
    throw new Error(`add these dependencies of the library to bench/package.json: ${missing.join(', ')}`);
}

/**
 * Builds the library as its own scripts do.
 *
 * @param {string} libraryFolder
 */
export function build(libraryFolder) {
  run('npm', ['run', 'build'], libraryFolder);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with code ${status}:\n${stdout}${stderr}`);
  return stdout;
}
