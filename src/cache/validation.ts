/** Says whether what the cache has is a value that the caller takes. */
export type Validate = (value: unknown) => boolean;

/** False also for one who throws, and for who gives anything but true, such as a promise: what is not known to be right is not given. */
export function isValid(value: unknown, validate: Validate | undefined): boolean {
  if (validate === undefined) return true;
  try {
    return (validate(value) as unknown) === true;
  } catch {
    return false; // What it throws may quote the value.
  }
}
