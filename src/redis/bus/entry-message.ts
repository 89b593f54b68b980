import { type EntryChange, NO_VERSION } from '../../store/entry-changes.js';

const VERSION = /^\d{1,16}$/;

/** The changes of one script, as `lib/tell.lua` publishes them; undefined for anything else. */
export function readChanges(message: string): readonly EntryChange[] | undefined {
  const fields = parsed(message);
  if (!Array.isArray(fields) || fields.length % 2 !== 0) return undefined;
  const changes: EntryChange[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [key, version] = [fields[i] as unknown, fields[i + 1] as unknown];
    if (typeof key !== 'string' || typeof version !== 'string') return undefined;
    if (version !== '' && !VERSION.test(version)) return undefined;
    changes.push({ key, version: version === '' ? NO_VERSION : Number(version) });
  }
  return changes;
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
