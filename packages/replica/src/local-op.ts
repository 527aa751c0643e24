import {
  type Fence,
  type JsonValue,
  type Op,
  parseWrite,
  type Rejection,
  toWritePayload,
} from '@dustlayer/protocol'

/** A write as the app issued it, its path rendered and its value checked. Lease ops are not applied optimistically. */
export interface LocalOp {
  readonly op: 'set' | 'delete' | 'merge' | 'increment' | 'add' | 'remove'
  readonly path: string
  readonly value: JsonValue
  /** Made by the caller, once per write, so that a repeated call is the same write. */
  readonly opId: string
  readonly ifMatch?: number
  readonly ifAbsent?: true
  /** The lease that must be held. Only the server can judge that: a lease shows here later than it is granted. */
  readonly fence?: Fence
}

/** Why no store would ever accept this op, if so: the checks that need no look at the entries. */
export function staticFault(op: LocalOp): Rejection | undefined {
  const parsed = parseWrite(toWritePayload(op))
  return parsed.ok ? undefined : parsed.rejection
}

/** The op without its preconditions: those are judged when it is issued and by the server, not on every rebase. */
export function unconditional({ op, path, value, opId }: LocalOp): Op {
  return { op, path, value, opId }
}

/** Whether nothing but its path and value tells what the op does, so that a later one like it may take its place. */
export function isPlainPut({ op, ifMatch, ifAbsent, fence }: LocalOp): boolean {
  return op === 'set' && ifMatch === undefined && ifAbsent === undefined && fence === undefined
}
