import {
  EXTENSIONS,
  type ExtensionName,
  type JoinExtensions,
  type JsonMap,
  type SnapshotResume,
} from '@dustlayer/protocol'
import type { OpenStore } from './open-store.js'

/** What one join goes by, beyond the common protocol (docs/protocol-extensions.md). */
export interface Agreement {
  has(extension: ExtensionName): boolean
  /** Where the peer wants an unfinished snapshot continued. */
  readonly resume: SnapshotResume | null
}

/** A join that asked for nothing, and gets exactly the common protocol. */
export const NO_EXTENSIONS: Agreement = { has: () => false, resume: null }

export interface Agreed {
  readonly agreement: Agreement
  /** From where catch-up begins; 0 when the peer has to start over. */
  readonly lastStoreSeq: number | null
  /** Added to the join reply. */
  readonly reply: JsonMap
}

/** What the join of a peer that knows extensions comes to. */
export function agree(store: OpenStore, asked: JoinExtensions, lastStoreSeq: number | null): Agreed {
  const incarnation = store.storage.identity.incarnation()
  const agreed = EXTENSIONS.filter((name) => asked.extensions.includes(name))
  const sameHistory = asked.incarnation === incarnation
  const otherHistory = asked.incarnation !== null && !sameHistory
  const ahead = lastStoreSeq !== null && lastStoreSeq > store.sequencer.head()
  // Who does not know what a reset is goes on from where it says it is, as any other peer does.
  const reset = agreed.includes('incarnation') && (otherHistory || ahead)
  return {
    agreement: {
      has: (extension) => agreed.includes(extension),
      resume: (sameHistory && asked.snapshot) || null,
    },
    lastStoreSeq: reset ? 0 : lastStoreSeq,
    reply: { extensions: agreed, incarnation, ...(reset && { reset }) },
  }
}
