/** A power of two. Each place is two bytes. */
const PLACES = 2 ** 16;

/**
 * Remembers keys in a fixed space, the last one for each place, and those by a part of their hash: it forgets, and once in 32,768 times it takes a key
 * for another one. For guesses that cost little when they are wrong.
 */
export class KeySketch {
  private readonly marks = new Uint16Array(PLACES);

  has(key: string): boolean {
    const hash = hashOf(key);
    return this.marks[hash % PLACES] === markOf(hash);
  }

  add(key: string): void {
    const hash = hashOf(key);
    this.marks[hash % PLACES] = markOf(hash);
  }

  remove(key: string): void {
    const hash = hashOf(key);
    this.marks[hash % PLACES] = 0;
  }
}

/** Never 0, which stands for no key. */
function markOf(hash: number): number {
  return (hash >>> 16) | 1;
}

/** FNV-1a, 32 bits, over UTF-16 units, and its halves mixed: keys differ in their last characters. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
