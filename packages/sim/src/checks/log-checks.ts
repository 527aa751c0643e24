import type { Fence } from '@dustlayer/protocol'
import type { LoggedOp } from '@dustlayer/server'
import type { Findings } from '../violation.js'
import { type Before, checkLeases } from './lease-checks.js'

/** I3, from the server's side: each op of a client takes effect once, and in the order in which it was issued; and leases. */
export interface LogChecks {
  /** `before` has the entries that the op found. */
  committed(op: LoggedOp, before: Before): void
  /** The server is back at what these ops had led to. */
  restored(ops: readonly LoggedOp[]): void
}

/** Op ids of simulated clients end in their place in the order of issue. */
const OWN_OP = /^(c\d+)-(\d+)$/

export function createLogChecks(findings: Findings, fenceOf: (opId: string) => Fence | null): LogChecks {
  let newest = new Map<string, number>()
  let known = new Set<string>()

  const check = ({ clientOpId, seq, deviceId }: LoggedOp): void => {
    const [, client, issued] = OWN_OP.exec(clientOpId) ?? []
    if (client === undefined) return
    if (known.has(clientOpId)) findings.add('I3', `${clientOpId} has taken effect again, as event ${seq}.`)
    if (deviceId !== client) findings.add('I3', `${clientOpId} is in the log as an op of ${deviceId}.`)
    const last = newest.get(client) ?? 0
    if (Number(issued) < last)
      findings.add(
        'I3',
        `${clientOpId} has taken effect as event ${seq}, after ${client}-${last}, which was issued later.`,
      )
    known.add(clientOpId)
    newest.set(client, Number(issued))
  }

  return {
    committed(op, before) {
      check(op)
      checkLeases(op, before, fenceOf(op.clientOpId), findings)
    },
    restored(ops) {
      newest = new Map()
      known = new Set()
      for (const op of ops) check(op)
    },
  }
}
