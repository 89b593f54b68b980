import { randomBytes } from 'node:crypto';

/** A source of chance in [0, 1); injected so that tests can replay it. */
export type Random = () => number;

/** Chance for jitter; nothing that must be secret comes from it. */
export const systemRandom: Random = () => Math.random();

/** 128 random bits, 22 URL-safe characters: long enough that nobody guesses or repeats one (threat S17). */
export function newId(): string {
  return randomBytes(16).toString('base64url');
}
