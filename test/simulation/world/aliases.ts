/**
 * Names for ids that the library draws from the system, which are other ones each time: a simulation is the same to the byte. As long as
 * nobody compares two of them with anything but equality it makes no difference.
 */
export class Aliases {
  private readonly byId = new Map<string, string>();
  private readonly byAlias = new Map<string, string>();

  of(id: string): string {
    let alias = this.byId.get(id);
    if (alias === undefined) {
      alias = `id${this.byId.size + 1}`;
      this.byId.set(id, alias);
      this.byAlias.set(alias, id);
    }
    return alias;
  }

  idOf(alias: string): string {
    return this.byAlias.get(alias) ?? alias;
  }
}
