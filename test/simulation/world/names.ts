/** The name of a key or a lock in the slot of this number. */
export function nameIn(slot: number, name: string): string {
  return `${name}@${slot}`;
}

export function slotOfName(name: string): number {
  return Number(name.slice(name.lastIndexOf('@') + 1));
}
