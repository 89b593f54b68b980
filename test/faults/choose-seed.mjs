/** `npm test` plays the same schedules every time; the long form draws a seed (scripts/test-faults.mjs). */
const SHORT_FORM_SEED = '1';

/** Runs once, before the workers of Jest start and inherit the environment: one seed for all fault tests, and it is told. */
export default function chooseSeed() {
  process.env['FAULT_SEED'] ??= SHORT_FORM_SEED;
  console.log(
    `\nfault tests: FAULT_SEED=${process.env['FAULT_SEED']} FAULT_ROUNDS=${process.env['FAULT_ROUNDS'] ?? '1'}`,
  );
}
