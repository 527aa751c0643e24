import type { Fence, JsonValue } from '@dustlayer/protocol'
import type { LocalOp, Verdict } from '@dustlayer/replica'
import type { Findings } from '../violation.js'

/** A write that the replica has taken. */
export interface IssuedOp {
  readonly opId: string
  readonly op: LocalOp['op']
  readonly path: string
  readonly value: JsonValue
  /** The batch that it is part of. */
  readonly batch: string | null
  /** The own pending op whose result it was made on top of, and whose revision it depends on. */
  readonly base: string | null
  /** The lease that it depends on. */
  readonly fence: Fence | null
  /** As the app was told. */
  verdict: Verdict | null
}

/** What an app knows of its writes: what it issued, in order, and what it was told about each. */
export interface Issued {
  /** Refused ops that the app has taken off the list. */
  readonly takenOff: Set<string>
  readonly all: readonly IssuedOp[]
  /** Those whose fate was not settled at the last look. */
  readonly open: Set<IssuedOp>
  get(opId: string): IssuedOp | undefined
  add(op: Omit<IssuedOp, 'verdict'>): void
  /** The replica says what became of an op; `again` allows it to say so once more. */
  told(opId: string, verdict: Verdict, again: boolean): void
}

export function createIssued(client: number, findings: Findings): Issued {
  const byId = new Map<string, IssuedOp>()
  const all: IssuedOp[] = []
  const open = new Set<IssuedOp>()
  return {
    all,
    open,
    takenOff: new Set(),
    get: (opId) => byId.get(opId),
    add(op) {
      const issued = { ...op, verdict: null }
      all.push(issued)
      byId.set(op.opId, issued)
      open.add(issued)
    },
    told(opId, verdict, again) {
      const issued = byId.get(opId)
      // Written, and the process died before the call returned.
      if (!issued) return
      if (issued.verdict && !again) {
        const told = `${issued.verdict.state} and ${verdict.state}`
        findings.add('verdicts', `Client ${client} was told twice what became of ${opId}: ${told}.`)
      }
      issued.verdict = verdict
    },
  }
}
