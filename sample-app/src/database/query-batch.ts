import { setImmediate } from 'node:timers/promises';

/**
 * Loads rows one by one, as `getOrLoad` asks for them, with one query for all that are asked for at about the same time.
 *
 * The query starts after each of them has asked. An earlier one could miss what was committed just before the cache began
 * to watch an entry, and would fill it with an old row.
 */
export class QueryBatch<Row> {
  private next: { readonly ids: string[]; readonly rows: Promise<ReadonlyMap<string, Row>> } | undefined;

  /** @param query gets some rows, by id */
  constructor(private readonly query: (ids: readonly string[]) => Promise<ReadonlyMap<string, Row>>) {}

  async load(id: string): Promise<Row | undefined> {
    this.next ??= this.begin();
    this.next.ids.push(id);
    return (await this.next.rows).get(id);
  }

  private begin(): NonNullable<QueryBatch<Row>['next']> {
    const ids: string[] = [];
    const rows = setImmediate().then(() => {
      this.next = undefined;
      return this.query(ids);
    });
    return { ids, rows };
  }
}
