import type { JsonValue } from '@dustlayer/protocol'
import type { LocalOp } from '@dustlayer/replica'

/** What an app writes. */
export interface Draft {
  readonly op: LocalOp['op']
  readonly path: string
  readonly value: JsonValue
  /** `seen` and `older`: only if the entry has the revision that this client shows, or showed when it last looked. `fenced`: while this client holds the lock. */
  readonly condition?: 'seen' | 'older' | 'absent' | 'fenced'
}

/** The moment in a commit of the server at which it dies. */
export type CrashPoint = 'begin' | 'append' | 'commit' | 'committed' | 'sending'

/** What users and apps do. */
export type Work =
  | ({ readonly do: 'write'; readonly client: number } & Draft)
  /** Several ops as one, if the replica can do that. */
  | {
      readonly do: 'batch'
      readonly client: number
      readonly ops: readonly Draft[]
      readonly separate: boolean
    }
  /** A refused op is issued again, or taken off the list of refused ones. */
  | { readonly do: 'retry' | 'drop'; readonly client: number; readonly nth: number }
  /** Somebody without a replica writes, as over HTTP. */
  | { readonly do: 'remote'; readonly op: LocalOp['op']; readonly path: string; readonly value: JsonValue }
  | { readonly do: 'rollback'; readonly back: number; readonly path: string | null }
  | { readonly do: 'lease'; readonly client: number; readonly ms: number }
  | { readonly do: 'release'; readonly client: number }
  /** The app waits until everything is in step. */
  | { readonly do: 'synced'; readonly client: number }
  | { readonly do: 'burst'; readonly client: number; readonly count: number }

/** What goes wrong, or is merely inconvenient. */
export type Fault =
  /** The connection breaks; so many messages of each direction on their way still arrive. */
  | { readonly do: 'cut'; readonly client: number; readonly up: number; readonly down: number }
  /** Nothing passes any more in this direction, and nobody is told. */
  | { readonly do: 'silence'; readonly client: number; readonly direction: 'up' | 'down' | 'both' }
  | {
      readonly do: 'unreachable' | 'offline' | 'slow' | 'pause'
      readonly client: number
      readonly ms: number
    }
  /** One of the next live messages to the client gets lost, comes twice or late. */
  | {
      readonly do: 'mangle'
      readonly client: number
      readonly how: 'lose' | 'repeat' | 'delay'
      readonly skip: number
    }
  | { readonly do: 'probe' | 'reconnect'; readonly client: number }
  /** The client's process dies, after so many more statements to its database; a new one opens what is on the disk. */
  | { readonly do: 'kill'; readonly client: number; readonly statements: number; readonly ms: number }
  | { readonly do: 'clientDisk'; readonly client: number; readonly statements: number }
  | { readonly do: 'serverDisk' | 'serverRead'; readonly times: number }
  | {
      readonly do: 'serverCrash'
      readonly point: CrashPoint
      readonly count: number
      readonly ms: number
    }
  | { readonly do: 'limit'; readonly skip: number; readonly times: number; readonly ms: number }
  | { readonly do: 'compact' | 'backup' }
  | { readonly do: 'restore'; readonly ms: number }
  /** The client's token is revoked; after a while its user signs in again. */
  | { readonly do: 'revoke'; readonly client: number; readonly ms: number }
  /** The client's process dies, and a row of its database changes before another opens it. */
  | { readonly do: 'rot'; readonly client: number; readonly nth: number }
  /** Time passes. */
  | { readonly do: 'wait' }

export type Happening = Work | Fault

/** One happening, some milliseconds after the one before. */
export type Step = Happening & { readonly after: number }

export interface Conditions {
  readonly clients: readonly ('json' | 'msgpack')[]
  /** How long a message takes, in milliseconds. */
  readonly latency: { readonly min: number; readonly max: number }
  /** How many ops the server sends at a time in catch-up, and entries in a chunk of a snapshot. */
  readonly page: number
}

/**
 * Everything that happens in one run, as data: what is left out of it does not happen, and all else is as before.
 */
export interface Schedule {
  readonly seed: number
  readonly conditions: Conditions
  readonly steps: readonly Step[]
}
