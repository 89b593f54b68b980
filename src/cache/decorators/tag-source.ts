import { InvalidOptionsError } from '../../base/errors.js';
import type { Call } from '../../pipeline/call.js';
import { compileKeys, type KeySource, type KeySourceOptions } from '../../pipeline/key-source.js';
import { checkTags, MOST_TAGS } from '../tags/tags.js';

/** The option of decorators that is about tags; `R` is what the application knows of its requests. */
export interface TagOptions<R extends object = Record<string, unknown>> {
  /** Tags of each call: a template, a list of templates, or a function of the call, as for keys; a function may give none. Default none; up to 32. */
  readonly tags?: KeySource<R>;
}

/** The tags of one call, each once. @throws what is wrong with one, see {@link checkTags} */
export type TagReader = (call: Call) => readonly string[];

const NONE: readonly string[] = [];

/**
 * Compiles the tags of a decorator, as {@link compileKeys} compiles its keys.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` also for a list of more than 32
 */
export function compileTags(source: KeySource | undefined, options: Omit<KeySourceOptions, 'kind'>): TagReader {
  if (source === undefined) return () => NONE;
  const { decorator } = options;
  if (!['string', 'function'].includes(typeof source) && !Array.isArray(source)) {
    throw new InvalidOptionsError(`${decorator}: tags are a template, a list of templates or a function of the call`, {
      details: { decorator, option: 'tags' },
    });
  }
  if (Array.isArray(source) && source.length > MOST_TAGS) {
    throw new InvalidOptionsError(`${decorator}: ${source.length} tags are more than the limit of ${MOST_TAGS}`, {
      details: { decorator, option: 'tags', limit: MOST_TAGS },
    });
  }
  const tagsOf = compileKeys(source, { ...options, kind: 'tag' });
  return (call) => checkTags(tagsOf(call));
}
