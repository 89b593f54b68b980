/** The name of a key or a lock in the slot of this number. */
export function nameIn(slot: number, name: string): string {
  return `${name}@${slot}`;
}

/** What the library itself keeps; here it is in the first slot. */
export function isOfLibrary(name: string): boolean {
  return name.startsWith('nestjs-cache-txn/');
}

export function slotOfName(name: string): number {
  return isOfLibrary(name) ? 0 : Number(name.slice(name.lastIndexOf('@') + 1));
}
