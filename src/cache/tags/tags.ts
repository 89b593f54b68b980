import { InvalidOptionsError, KeyTemplateError } from '../../base/errors.js';
import { isList } from '../../base/option-checks.js';
import { checkKey } from '../../store/key-space.js';

/** Begins the keys of tags; a template escapes it, and the services refuse it. */
const PREFIX = '%tag:';
/** Tags of one entry: each is a key to read and to compare. */
export const MOST_TAGS = 32;
/**
 * How long a tag is kept after it was made; then what carries it is loaded again. No longer, because a tag is made for each name that somebody asks
 * for, also for what there is not.
 */
export const TAG_TTL_MS = 7 * 86_400_000;

/** The key of the entry whose version is that of the tag. It has no value. */
export function tagKey(tag: string): string {
  return PREFIX + tag;
}

/**
 * Refuses what cannot be the key of an entry with a value.
 * @throws KeyTemplateError `KEY_TEMPLATE`, LimitExceededError `LIMIT_EXCEEDED`
 */
export function checkEntryKey(key: unknown): asserts key is string {
  checkKey(key, 'key');
  if (!key.startsWith(PREFIX)) return;
  throw new KeyTemplateError(`the key ${JSON.stringify(key)} belongs to a tag; use invalidateTags`, {
    details: { key },
  });
}

/**
 * The tags, each once.
 * @throws InvalidOptionsError `INVALID_OPTIONS` for no list, or more than 32; KeyTemplateError, LimitExceededError as for keys
 */
export function checkTags(tags: readonly string[]): readonly string[] {
  if (!isList(tags)) {
    throw new InvalidOptionsError('tags: a list of names belongs here', { details: { option: 'tags' } });
  }
  for (const tag of tags) {
    checkKey(tag, 'tag');
    checkKey(tagKey(tag), 'tag');
  }
  const each = tags.length > 1 ? [...new Set(tags)] : tags;
  if (each.length <= MOST_TAGS) return each;
  throw new InvalidOptionsError(`tags: ${each.length} are more than the limit of ${MOST_TAGS}`, {
    details: { option: 'tags', limit: MOST_TAGS },
  });
}
