/**
 * Turns numbers of one server into places that two servers can be compared by.
 *
 * Versions and fences differ between servers, their order must not: a number becomes its place among those seen
 * before, even when it is new and odd when it is one of them. Zero means "none" everywhere and stays zero.
 */
export class Ranks {
  private readonly seen: number[] = [];

  place(number: number): number | 'none' {
    if (number === 0) return 'none';
    const at = this.seen.findIndex((other) => other >= number);
    const before = at === -1 ? this.seen.length : at;
    if (this.seen[before] === number) return 2 * before + 1;
    this.seen.splice(before, 0, number);
    return 2 * before;
  }

  get largest(): number {
    return this.seen.at(-1) ?? 0;
  }
}
