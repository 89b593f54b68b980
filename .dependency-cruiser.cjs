/**
 * The import directions of the design as a table: a folder of src may import itself and what stands on its line.
 * Type imports count, because a type that points backwards couples two folders as much as a call does.
 */
const mayImport = {
  base: [],
  store: ['base'],
  redis: ['store', 'base'],
  memory: ['store', 'base'],
  near: ['store', 'base'],
  pipeline: ['base'],
  lock: ['pipeline', 'store', 'base'],
  commit: ['store', 'base'],
  admin: ['commit', 'store', 'base'],
  version: ['commit', 'pipeline', 'store', 'base'],
  txn: ['commit', 'lock', 'version', 'pipeline', 'store', 'base'],
  cache: ['near', 'txn', 'commit', 'version', 'lock', 'pipeline', 'store', 'base'],
  remote: ['cache', 'txn', 'commit', 'store', 'base'],
  module: [
    'admin',
    'remote',
    'cache',
    'txn',
    'commit',
    'version',
    'lock',
    'pipeline',
    'memory',
    'near',
    'redis',
    'store',
    'base',
  ],
  // Entries of their own: who does not use them needs neither pg nor nestjs-cls nor msgpackr.
  msgpack: ['cache', 'store', 'base'],
  pg: ['commit', 'store', 'base'],
  cls: ['commit', 'base'],
  cli: ['admin', 'pg', 'commit', 'redis', 'store', 'base'],
  // The published test kit works on any store: it must load in a project without ioredis.
  testing: [
    'module',
    'admin',
    'remote',
    'cache',
    'txn',
    'commit',
    'version',
    'lock',
    'pipeline',
    'memory',
    'near',
    'store',
    'base',
  ],
};

const folders = Object.keys(mayImport);

const directions = folders.map((folder) => ({
  name: `direction-${folder}`,
  comment: `src/${folder} may import ${mayImport[folder].join(', ') || 'no other folder'}.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...mayImport[folder]].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...directions,
    {
      name: 'known-folder',
      comment: 'A new folder of src needs its line in the table above first.',
      severity: 'error',
      from: {},
      to: { path: '^src/.+/', pathNot: `^src/(${folders.join('|')})/` },
    },
    {
      name: 'no-cycles',
      comment: 'Modules in a cycle can only be read, tested and loaded together.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-barrels',
      comment: 'The entries are for users. Inside src an import names the file that owns the idea.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/(index|.+/index)[.]ts$' },
    },
    {
      name: 'plain-core',
      comment: 'base, store, memory and commit run on Node alone, so that they can be tested and reasoned about alone.',
      severity: 'error',
      from: { path: '^src/(base|store|memory|commit)/' },
      to: { dependencyTypesNot: ['core', 'local'] },
    },
    {
      name: 'only-redis-names-ioredis',
      comment: 'Everything else speaks to the store port; another client is then another folder, not a rewrite.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/redis/' },
      to: { path: '(^|/)ioredis(/|$)' },
    },
    {
      name: 'redis-names-only-ioredis',
      comment: 'The adapter knows no Nest and no rxjs.',
      severity: 'error',
      from: { path: '^src/redis/' },
      to: { dependencyTypesNot: ['core', 'local'], pathNot: '(^|/)ioredis(/|$)' },
    },
    {
      name: 'declared-packages-only',
      comment: 'What src imports must be a dependency or a peer, or it is missing where the package is installed.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypesNot: ['core', 'local', 'npm', 'npm-peer', 'npm-optional'] },
    },
    {
      name: 'src-stands-alone',
      comment: 'What is published does not reach into what is not.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|sample-app|bench|scripts)/' },
    },
    {
      name: 'sample-imports-by-name',
      comment: 'The sample is an application: it knows the library by its package name only.',
      severity: 'error',
      from: { path: '^sample-app/' },
      to: { path: '^src/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
