/** The elements of a list as an entry keeps them; none where there is no entry. */
export function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : (JSON.parse(value) as string[]);
}
