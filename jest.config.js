import { swcOptions } from './test/support/swc-options.js';

/** Nest 12 is ESM only, so Jest runs native ES modules (`--experimental-vm-modules`, see the `jest` script). */
const base = {
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/support/surface-rejections.ts', '<rootDir>/test/support/end-storages.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', swcOptions],
    '/test/support/commonjs/.+\\.mjs$': '<rootDir>/test/support/commonjs/as-esm.mjs',
  },
  moduleNameMapper: {
    '^nestjs-cache-txn$': '<rootDir>/src/index.ts',
    '^nestjs-cache-txn/(cls|msgpack|pg|testing)$': '<rootDir>/src/$1/index.ts',
    // CommonJS that requires NestJS, see as-esm.mjs.
    '^(nestjs-cls|@nestjs-cls/transactional)$': '<rootDir>/test/support/commonjs/$1.mjs',
    // TypeScript names the file it will become. A real .js file wins: the mapping applies inside node_modules too.
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  },
};

/** One project per test folder, chosen with `--selectProjects`. */
const project = (displayName, folder, more = {}) => ({
  ...base,
  ...more,
  displayName,
  testMatch: [`<rootDir>/${folder}/**/*.spec.ts`],
});

export default {
  // Jest's own choice on two cores is one worker, and a test here waits for servers and processes half of the time.
  maxWorkers: 4,
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  // Each file leaves modules behind in its worker, and what works hard there would wait for the collector: a new worker is quicker.
  workerIdleMemoryLimit: '600MB',
  // A failed test may leave clients open: the run ends all the same, and with it the servers (see owned-process.ts).
  forceExit: true,
  // Jest's 5 s are too short for tests that wait for servers and processes, where the machine has other work too.
  testTimeout: 30_000,
  projects: [
    project('unit', 'test/unit'),
    project('contract', 'test/contract'),
    project('scripts', 'test/scripts'),
    project('e2e', 'test/e2e'),
    project('faults', 'test/faults', { globalSetup: '<rootDir>/test/faults/choose-seed.mjs' }),
    project('model', 'test/model'),
    project('simulation', 'test/simulation'),
    project('support', 'test/support-specs'),
    project('sample', 'sample-app/test'),
  ],
};
