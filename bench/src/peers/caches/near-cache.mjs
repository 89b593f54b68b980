import { openLibrary } from '../library.mjs';

/** Said under the tables of a library without one. */
export const WITHOUT_NEAR =
  'Left out: nestjs-cache-txn with a near cache, an option that the library measured here refuses.';

/** Whether the library that is measured has a near cache. @param {number} port */
export async function hasNearCache(port) {
  try {
    const { close } = await openLibrary({ port, cache: { near: true } });
    await close();
    return true;
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'INVALID_OPTIONS') throw error;
    console.warn(WITHOUT_NEAR);
    return false;
  }
}
