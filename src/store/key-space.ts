import { InvalidOptionsError, KeyTemplateError, LimitExceededError } from '../base/errors.js';
import { LIMITS } from './limits.js';

const NAMESPACE = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Maps the user's keys to the server's, one to one, and keeps their hash tag.
 *
 * `<namespace>:e:<key>` entry, `<namespace>:l:<name>` lock, `<namespace>:d:{<tag>}:<id>` outcome of a commit in the slot
 * of one of its keys, `<namespace>:o:{<n>}` open transactions, `<namespace>:w:{<tag>}` mark for replicas, `<namespace>:p:{<name>}:<kind>` what belongs to the
 * participants of a name, `<namespace>:in:<id>` inbox channel of a process, `<namespace>:in:p:<name>` channel of the participants of a name,
 * `<namespace>:in:e` channel of changed entries. The prefix has no brace, so the slot of a key with a tag is the tag's, and no key can leave its namespace or its kind.
 */
export class KeySpace {
  /** @throws InvalidOptionsError `INVALID_OPTIONS` unless the namespace is 1 to 64 of `A-Z a-z 0-9 _ . -` */
  constructor(readonly namespace: string) {
    if (!NAMESPACE.test(namespace)) {
      throw new InvalidOptionsError(
        `namespace ${JSON.stringify(namespace)} must be 1 to 64 of the characters A-Z a-z 0-9 _ . -`,
        {
          details: { option: 'namespace' },
        },
      );
    }
  }

  entry(key: string): string {
    return `${this.namespace}:e:${key}`;
  }

  lock(name: string): string {
    return `${this.namespace}:l:${name}`;
  }

  /** The lock name inside a server key that {@link lock} made. */
  lockName(serverKey: string): string {
    return serverKey.slice(this.namespace.length + 3);
  }

  /** Lives in the slot of `serverKey`. */
  outcome(serverKey: string, txnId: string): string {
    return `${this.namespace}:d:{${hashTag(serverKey)}}:${txnId}`;
  }

  /** One of the lists of open transactions; their numbers spread them over the slots. */
  openTransactions(list: number): string {
    return `${this.namespace}:o:{${list}}`;
  }

  /** What is written after a commit, to learn how far the replicas are. Lives in the slot of `serverKey`. */
  replicaMark(serverKey: string): string {
    return `${this.namespace}:w:{${hashTag(serverKey)}}`;
  }

  /** Members, rolls and payloads of the participants of a name, in one slot. */
  rolls(name: string): readonly string[] {
    return ['m', 'r', 'p'].map((kind) => `${this.namespace}:p:{${name}}:${kind}`);
  }

  /** How a transaction ended, for the participants of a name; in their slot. */
  rollRecord(name: string, txnId: string): string {
    return `${this.namespace}:p:{${name}}:d:${txnId}`;
  }

  /** Below the inboxes, so that who may use those may use these. */
  rollChannel(name: string): string {
    return `${this.namespace}:in:p:${name}`;
  }

  /** Below the inboxes too, and none of them: the id of a process has a colon. The scripts build it as well, see lib/tell.lua. */
  entryChannel(): string {
    return `${this.namespace}:in:e`;
  }

  inbox(id: string): string {
    return `${this.namespace}:in:${id}`;
  }
}

/** The part of a server key that decides its slot (Redis Cluster specification, "Hash tags"). */
export function hashTag(serverKey: string): string {
  const open = serverKey.indexOf('{');
  if (open === -1) return serverKey;
  const close = serverKey.indexOf('}', open + 1);
  return close > open + 1 ? serverKey.slice(open + 1, close) : serverKey;
}

/**
 * Refuses what cannot be a key: empty, over 512 bytes, lone surrogates, or braces other than one non-empty `{tag}`.
 *
 * @throws KeyTemplateError `KEY_TEMPLATE`
 * @throws LimitExceededError `LIMIT_EXCEEDED` over 512 bytes
 */
export function checkKey(key: unknown, what: 'key' | 'lock name' | 'tag'): asserts key is string {
  if (typeof key !== 'string' || key === '') {
    throw new KeyTemplateError(`a ${what} must be a non-empty string, not ${key === '' ? 'an empty one' : typeof key}`);
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > LIMITS.keyBytes) {
    throw new LimitExceededError(
      `a ${what} has ${bytes} bytes, the limit is ${LIMITS.keyBytes}: ${key.slice(0, 64)}…`,
      {
        details: { bytes, limit: LIMITS.keyBytes },
      },
    );
  }
  if (!key.isWellFormed()) throw new KeyTemplateError(`the ${what} ${JSON.stringify(key)} has a lone surrogate`);
  if (/[{}]/.test(key) && !/^[^{}]*\{[^{}]+\}[^{}]*$/.test(key)) {
    throw new KeyTemplateError(
      `the ${what} ${JSON.stringify(key)} has braces that are not one hash tag such as {tenant-7}:order:1`,
      {
        details: { key },
      },
    );
  }
}
