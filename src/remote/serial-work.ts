/** Runs pieces of work one after the other, in the order in which they came; a piece must not throw. */
export class SerialWork {
  private last: Promise<void> = Promise.resolve();

  add(piece: () => Promise<void>): Promise<void> {
    this.last = this.last.then(piece);
    return this.last;
  }

  /** Resolves when what has been added so far has ended. */
  get idle(): Promise<void> {
    return this.last;
  }
}
