interface Underway {
  left: number;
  readonly arrive: () => Promise<void>;
}

/** Requests that are on their way while later operations overtake them. */
export class LateArrivals {
  private underway: Underway[] = [];

  get count(): number {
    return this.underway.length;
  }

  /** `arrive` runs after `operations` later ones; it must not reject. */
  add(operations: number, arrive: () => Promise<void>): void {
    this.underway.push({ left: operations, arrive });
  }

  /** An operation has run: those that waited for it arrive, one after the other. */
  async overtake(): Promise<void> {
    if (this.underway.length === 0) return;
    for (const request of this.underway) request.left -= 1;
    await this.run(({ left }) => left <= 0);
  }

  /** Everything arrives. */
  arriveAll(): Promise<void> {
    return this.run(() => true);
  }

  /** Nothing arrives any more. */
  lose(): void {
    this.underway = [];
  }

  private async run(isDue: (request: Underway) => boolean): Promise<void> {
    const due = this.underway.filter(isDue);
    this.underway = this.underway.filter((request) => !due.includes(request));
    for (const { arrive } of due) await arrive();
  }
}
