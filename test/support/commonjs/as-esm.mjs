/**
 * A Jest transformer for the files beside it: each stands for a package of CommonJS that requires NestJS.
 *
 * NestJS 12 is ESM only. Node 20.19 loads it with `require`, Jest only does on Node 24.9. So the files of such a package become one
 * ES module, in which what it requires from others is imported.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const load = createRequire(import.meta.url);

const REQUIRED = /\brequire\("([^"]+)"\)/g;

/** @param {string} standIn */
const packageOf = (standIn) => /import '([^']+)'/.exec(standIn)?.[1] ?? '';

export default {
  /**
   * Another version of the package, or of this file, is transformed anew.
   * @param {string} standIn
   */
  getCacheKey(standIn) {
    const manifest = load.resolve(`${packageOf(standIn)}/package.json`);
    const hash = createHash('sha256');
    for (const file of [manifest, fileURLToPath(import.meta.url)]) hash.update(readFileSync(file));
    return hash.digest('hex');
  },

  /** @param {string} standIn */
  process(standIn) {
    const name = packageOf(standIn);
    const entry = load.resolve(name);
    /** @type {Map<string, string>} */
    const files = new Map();
    /** @type {Set<string>} */
    const others = new Set();
    const queue = [entry];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (files.has(file)) continue;
      const local = createRequire(file);
      const code = readFileSync(file, 'utf8').replace(REQUIRED, (_, wanted) => {
        if (!wanted.startsWith('.')) {
          others.add(wanted);
          return `require(${JSON.stringify(wanted)})`;
        }
        const target = local.resolve(wanted);
        queue.push(target);
        return `require(${JSON.stringify(target)})`;
      });
      files.set(file, code);
    }
    return { code: moduleOf(files, [...others], entry, Object.keys(load(name))) };
  },
};

/**
 * @param {ReadonlyMap<string, string>} files by their path, requiring each other by it
 * @param {readonly string[]} others packages that they require
 * @param {string} entry
 * @param {readonly string[]} names what the entry exports
 */
function moduleOf(files, others, entry, names) {
  const list = (/** @type {Iterable<string>} */ lines) => [...lines].join('\n');
  return `
${list(others.map((name, i) => `import * as other${i} from ${JSON.stringify(name)};`))}
const others = new Map();
${list(others.map((name, i) => `others.set(${JSON.stringify(name)}, other${i}.default ?? other${i});`))}
const files = new Map();
${list([...files].map(([file, code]) => `files.set(${JSON.stringify(file)}, (module, exports, require) => {${code}\n});`))}
const loaded = new Map();
const load = (name) => {
  if (others.has(name)) return others.get(name);
  if (!loaded.has(name)) {
    const module = { exports: {} };
    loaded.set(name, module);
    files.get(name)(module, module.exports, load);
  }
  return loaded.get(name).exports;
};
const entry = load(${JSON.stringify(entry)});
${list(names.map((name) => `export const ${name} = entry.${name};`))}
`;
}
