/** What a method with `@CacheTxn` does about a transaction that may already be there; the names are Spring's. */
export type Propagation = 'required' | 'requires_new' | 'nested' | 'mandatory' | 'supports' | 'not_supported' | 'never';

/**
 * `join`: take part in the outer one · `begin`: start one, hiding an outer one · `nest`: a part of the outer one that
 * can be undone by itself · `none`: run without · `refuse`: `TransactionStateError`.
 */
export type PropagationAction = 'join' | 'begin' | 'nest' | 'none' | 'refuse';

const TABLE: Record<Propagation, { readonly outside: PropagationAction; readonly inside: PropagationAction }> = {
  required: { outside: 'begin', inside: 'join' },
  requires_new: { outside: 'begin', inside: 'begin' },
  nested: { outside: 'begin', inside: 'nest' },
  mandatory: { outside: 'refuse', inside: 'join' },
  supports: { outside: 'none', inside: 'join' },
  not_supported: { outside: 'none', inside: 'none' },
  never: { outside: 'none', inside: 'refuse' },
};

/** The seven modes, for checks and messages. */
export const PROPAGATIONS = Object.keys(TABLE) as readonly Propagation[];

/** Whether what runs in this mode commits by itself wherever it runs, so that its conflicts are its own. */
export function isApart(propagation: Propagation = 'required'): boolean {
  return propagation === 'requires_new' || propagation === 'not_supported';
}

export function actionFor(propagation: Propagation, isInside: boolean): PropagationAction {
  return TABLE[propagation][isInside ? 'inside' : 'outside'];
}
