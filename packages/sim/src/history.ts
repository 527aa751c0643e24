import {
  addDigest,
  digestText,
  EMPTY_DIGEST,
  type Entry,
  entryDigest,
  parseJson,
  stringifyJson,
} from '@dustlayer/protocol'
import { createModelStore } from '@dustlayer/protocol/testing'
import type { LoggedOp } from '@dustlayer/server'
import type { LogChecks } from './checks/log-checks.js'

/** What the server has ever committed, kept outside of it: the truth that everybody is measured by. */
export interface History {
  /** The history that the server is on; another one begins with each restore. */
  readonly current: Timeline
  /** Whether the server was ever restored. */
  readonly forked: boolean
  timeline(incarnation: string | null): Timeline | undefined
  committed(ops: readonly LoggedOp[]): void
  /** The server has gone back to what it was at `seq`. */
  restored(seq: number): void
  /** The server names the history that it is on. */
  named(incarnation: string): void
}

/** One history of the store, from its beginning. */
export interface Timeline {
  readonly head: number
  /** `ops[seq - 1]`. */
  readonly ops: readonly LoggedOp[]
  /** Where an op of a client stands in the log. */
  seqOf(opId: string): number | undefined
  /** The leaves after `seq`, as {@link describeEntries} has them. */
  stateAt(seq: number): string
  entriesNow(): Entry[]
  entryNow(path: string): Entry | undefined
  digestNow(): string
}

interface GrowingTimeline extends Timeline {
  append(op: LoggedOp): void
}

/** Leaves as one text, for comparisons and messages. */
export function describeEntries(entries: readonly Entry[]): string {
  return entries
    .map(({ path, value, type, seq }) => `${path} = ${stringifyJson(value)} (${type}, ${seq})`)
    .join('\n')
}

function createTimeline(ops: readonly LoggedOp[]): GrowingTimeline {
  const model = createModelStore()
  const log: LoggedOp[] = []
  const places = new Map<string, number>()
  const states: string[] = ['']

  const append = (op: LoggedOp): void => {
    log.push(op)
    if (!places.has(op.clientOpId)) places.set(op.clientOpId, op.seq)
    model.replay({ seq: op.seq, op: op.op, path: op.path, value: parseJson(op.valueJson) })
    states.push(describeEntries(model.entries()))
  }
  for (const op of ops) append(op)

  return {
    get head() {
      return log.length
    },
    ops: log,
    seqOf: (opId) => places.get(opId),
    stateAt: (seq) => states[seq] ?? `nothing: the log ends at ${log.length}`,
    entriesNow: () => model.entries(),
    entryNow: (path) => model.get(path),
    digestNow: () =>
      digestText(
        model
          .entries()
          .reduce(
            (sum, { path, type, seq, value }) =>
              addDigest(sum, entryDigest(path, type, seq, stringifyJson(value))),
            EMPTY_DIGEST,
          ),
      ),
    append,
  }
}

export function createHistory(checks: LogChecks): History {
  const named = new Map<string, GrowingTimeline>()
  let current = createTimeline([])
  let forked = false
  return {
    get current() {
      return current
    },
    get forked() {
      return forked
    },
    timeline: (incarnation) => (incarnation === null ? undefined : named.get(incarnation)),
    committed(ops) {
      for (const op of ops) {
        checks.committed(op, current.entryNow)
        current.append(op)
      }
    },
    restored(seq) {
      forked = true
      current = createTimeline(current.ops.slice(0, seq))
      checks.restored(current.ops)
    },
    named: (incarnation) => void named.set(incarnation, current),
  }
}
