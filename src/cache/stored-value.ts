/** What is kept beside a value, in the same text, because it must change together with it. */
export interface ValueNotes {
  /** Versions of the tags when the value was made: it counts while they are still the same. */
  readonly tags?: Readonly<Record<string, number>>;
  /** How long it took to load, in ms. */
  readonly took?: number;
  /** It was looked for and not found; there is no body. */
  readonly none?: true;
  /** The version that the value has where it comes from. */
  readonly source?: number;
  /** There is no value, and nothing that is older at its source than this is to be loaded in its place; there is no body. */
  readonly floor?: number;
}

/** The text of a value, as its codec makes it, and its notes. */
export interface StoredValue {
  readonly body: string;
  readonly notes: ValueNotes;
}

/** Begins a first line with notes; a codec that begins a text with it is refused. */
const MARK = '~';
const NO_NOTES: ValueNotes = Object.freeze({});

/** The text that the store keeps: the body, after a line of notes where there are some. */
export function writeStored({ body, notes }: StoredValue): string {
  return Object.keys(notes).length === 0 ? body : `${MARK}${JSON.stringify(notes)}\n${body}`;
}

/** Whether the body is the value, whatever the notes say of it, as long as its time is not over. */
export function isPlain({ floor, none, tags }: ValueNotes): boolean {
  return floor === undefined && none === undefined && tags === undefined;
}

/** The parts of a text; undefined when it begins with notes that are not ours. */
export function readStored(text: string): StoredValue | undefined {
  if (!text.startsWith(MARK)) return { body: text, notes: NO_NOTES };
  const end = text.indexOf('\n');
  if (end === -1) return undefined;
  try {
    const notes: unknown = JSON.parse(text.slice(1, end));
    return isNotes(notes) ? { body: text.slice(end + 1), notes } : undefined;
  } catch {
    return undefined;
  }
}

function isNotes(notes: unknown): notes is ValueNotes {
  if (typeof notes !== 'object' || notes === null || Array.isArray(notes)) return false;
  const { tags, took, none, source, floor } = notes as Record<keyof ValueNotes, unknown>;
  const isTagged =
    tags === undefined ||
    (typeof tags === 'object' && tags !== null && Object.values(tags).every(Number.isSafeInteger));
  const areVersions = [source, floor].every((version) => version === undefined || Number.isSafeInteger(version));
  return (
    isTagged && areVersions && (took === undefined || Number.isFinite(took)) && (none === undefined || none === true)
  );
}
