/**
 * What client and server can agree on beyond the common wire protocol (docs/protocol-extensions.md). A peer that
 * names none is spoken to as if there were none.
 */
export type ExtensionName =
  | 'batch'
  | 'snapshot_chunks'
  | 'incarnation'
  | 'digest'
  | 'ordered_writes'
  | 'event_batches'
  | 'reauth'

/** All extensions that this version knows. */
export const EXTENSIONS: readonly ExtensionName[] = [
  'batch',
  'snapshot_chunks',
  'incarnation',
  'digest',
  'ordered_writes',
  'event_batches',
  'reauth',
]

/** Those of the names that this version knows, each once. Names of a newer peer, and what is no name, are left out. */
export function knownExtensions(names: readonly unknown[]): ExtensionName[] {
  return EXTENSIONS.filter((name) => names.includes(name))
}
