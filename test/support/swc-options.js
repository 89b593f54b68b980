/**
 * How TypeScript becomes JavaScript in tests, in Jest and in worker processes alike. It mirrors tsconfig.json; no
 * .swcrc, so that nothing else on the machine has a say.
 *
 * @type {import('@swc/core').Options}
 */
export const swcOptions = {
  swcrc: false,
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
};
