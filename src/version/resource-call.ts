import { callScope, ScopeKey } from '../base/async-scope.js';
import { currentSection, type Section } from '../base/section.js';
import type { EntryRecord, Expectation } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';

/**
 * The resource that the present HTTP call is about: what the client demanded of it, what the call read of it, and
 * what the commit made of it. Value and version always come from one read, so the ETag fits the body.
 */
export class ResourceCall {
  private fetched: { readonly record: EntryRecord | undefined; readonly section: Section | undefined } | undefined;
  private version: number | undefined;
  /** What the call shows may be older than any version that it reads. */
  private isUnnamed = false;

  constructor(
    readonly key: string,
    readonly store: CacheTxnStore,
    /** Whether the call may change the resource: then its commit gives it a new version. */
    readonly isWrite: boolean,
    /** The client's own condition, checked inside the commit. */
    readonly precondition: Expectation | undefined,
  ) {}

  /** Keeps what was read before the method ran, for the method's own first read. */
  prefetch(record: EntryRecord | undefined): void {
    this.fetched = { record, section: currentSection() };
    this.version = record?.version ?? 0;
  }

  /** Hands out the prefetched record, once, and not under a further lock: a later read must see later versions. */
  takePrefetched(): { readonly record: EntryRecord | undefined } | undefined {
    const { fetched } = this;
    this.fetched = undefined;
    return fetched?.section === currentSection() ? fetched : undefined;
  }

  /** What was read before the method ran waits for its first read. */
  get hasPrefetched(): boolean {
    return this.fetched !== undefined;
  }

  /** The call read the resource. The first read counts: an older tag on a newer body is safe, the reverse is not. */
  noteRead(version: number): void {
    this.version ??= version;
  }

  /**
   * The call read the resource through the cache: at `version`, or 0 for what was loaded and not published. No version names that, and
   * least of all 0, which would be the tag of every such body.
   */
  noteLoaded(version: number): void {
    if (this.version !== undefined && this.version > 0) return;
    if (version === 0) this.isUnnamed = true;
    else this.version = version;
  }

  /** What the call read of the resource is no value: what it shows comes from elsewhere. */
  noteUnreadable(): void {
    this.isUnnamed = true;
  }

  /** A commit of the call left the resource at `version`; what was read before the method ran is older. */
  noteCommit(version: number): void {
    this.fetched = undefined;
    this.version = version;
    // A commit that only made sure that there is still no entry names nothing.
    if (version > 0) this.isUnnamed = false;
  }

  /** The version that the answer shows; undefined when the call never touched the resource, or none is known to fit. */
  get shownVersion(): number | undefined {
    return this.isUnnamed ? undefined : this.version;
  }

  /** A new attempt reads again. */
  forget(): void {
    this.fetched = undefined;
    this.version = undefined;
    this.isUnnamed = false;
  }
}

const RESOURCE = new ScopeKey<ResourceCall>('resource');

/** The resource of the present call, if it is an entry of `store`. */
export function currentResource(store: CacheTxnStore): ResourceCall | undefined {
  const resource = callScope.get(RESOURCE);
  return resource?.store === store ? resource : undefined;
}

export function withResource<R>(resource: ResourceCall, fn: () => R): R {
  return callScope.run(RESOURCE, resource, fn);
}

/** Whatever the call loaded of its resource: the ETag must fit the body. */
export function noteLoaded(store: CacheTxnStore, key: string, version: number): void {
  const resource = currentResource(store);
  if (resource?.key === key) resource.noteLoaded(version);
}

/** What is cached for the call's resource cannot be read. */
export function noteUnreadable(store: CacheTxnStore, key: string): void {
  const resource = currentResource(store);
  if (resource?.key === key) resource.noteUnreadable();
}

/** Whichever commit of the call wrote its resource: the ETag must fit the body. */
export function noteCommitted(store: CacheTxnStore, versions: ReadonlyMap<string, number>): void {
  const resource = currentResource(store);
  const version = resource && versions.get(resource.key);
  if (version !== undefined) resource?.noteCommit(version);
}
