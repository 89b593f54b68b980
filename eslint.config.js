import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The design's rules of style that a syntax pattern can check. */
const byHand = [
  {
    selector: 'ExportAllDeclaration',
    message: 'Every export is named by hand: `export *` publishes by accident.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: 'A union of strings says the same, and is nothing at run time.',
  },
];
const noBarrel = {
  selector: 'ExportNamedDeclaration[source]',
  message: 'No barrels inside src: only an entry (index.ts) re-exports. Import from the file that owns the name.',
};

const benchGlobals = [
  'console',
  'fetch',
  'performance',
  'process',
  'setImmediate',
  'setTimeout',
  'clearTimeout',
  'URL',
];

export default defineConfig(
  globalIgnores(['dist/', 'dist-sample/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      // The config files at the top are in no tsconfig; the default project gives them types all the same.
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '.*.cjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // An un-awaited promise is a lost error; an async callback where none is expected is one too.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `async` without `await` is how a method of a promise-returning port turns its throws into rejections.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // An underscore says "on purpose", as it does to the compiler; a rest sibling is a copy without one property.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // `cache.get<Order>(key)`: the caller states what was stored, and no argument can tell.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // There are no enums, and looking for them is a fifth of the work.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Nest's option types are classes, and its users pass literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // A Nest module is a class that holds nothing but its decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // `this: void` is how a method says that it may be taken off its object.
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...byHand],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/index.ts', 'src/*/index.ts'],
    rules: { 'no-restricted-syntax': ['error', ...byHand, noBarrel] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/base/**', 'src/redis/**'],
    rules: {
      // Clock and chance come in from outside (src/base), or no test can own time and no failure can be replayed.
      // The adapter is exempt: its deadlines are about real sockets.
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'performance'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock; dates come from the server.' },
        { object: 'Math', property: 'random', message: 'Take a Random, so that a failing run can be replayed.' },
      ],
    },
  },
  {
    // Tests look inside what is untyped by nature (bodies of answers, matchers) and know what they have just put there.
    files: ['test/**/*.ts', 'sample-app/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Handlers of test applications often return what they are given.
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    // Programs for people: they print. TypeScript checks their types and names (checkJs), with `npm run typecheck`.
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-console': 'off', 'no-undef': 'off' },
  },
  {
    // The benchmark has packages of its own, which need not be installed here, so TypeScript does not check it.
    files: ['bench/src/**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(benchGlobals.map((name) => [name, 'readonly'])) },
    rules: { 'no-undef': 'error', '@typescript-eslint/no-extraneous-class': 'off' },
  },
);
