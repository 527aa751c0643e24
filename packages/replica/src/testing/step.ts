import type { JsonValue } from '@dustlayer/protocol'
import type { LocalOp } from '../local-op.js'

export interface Draft {
  readonly op: LocalOp['op']
  readonly path: string
  readonly value: JsonValue
  /** Written with the revision that shows, where that is possible. */
  readonly cas?: boolean
  /** Written under the lease that shows at `lock`, or under none. */
  readonly fence?: boolean
}

/** One thing that can happen to a client, its server, or what is between them. */
export type Step =
  | { readonly kind: 'write'; readonly draft: Draft }
  | { readonly kind: 'batch'; readonly drafts: readonly Draft[]; readonly separate: boolean }
  | { readonly kind: 'foreign'; readonly draft: Draft }
  | { readonly kind: 'send'; readonly refuse: boolean }
  | { readonly kind: 'events'; readonly limit: number; readonly again: number }
  /** One step of a staged snapshot or rebuild: begin, the next entries, the next events, or the swap. */
  | { readonly kind: 'stage'; readonly size: number; readonly fromLog: boolean }
  | { readonly kind: 'restore'; readonly ops: number }
  | {
      readonly kind:
        | 'lease'
        | 'answer'
        | 'snapshot'
        | 'reconnect'
        | 'restart'
        | 'rollback'
        | 'repeat'
        | 'retryRefused'
        | 'dropRefused'
    }
