import type { ErrorData } from '@dustlayer/protocol'
import type { ClientMachine } from '../client/client-machine.js'
import type { ClientProcess } from '../client/client-process.js'
import type { IssuedOp } from '../client/issued.js'
import type { Timeline } from '../history.js'
import { Violation } from '../violation.js'

/** Reasons that pass: an op that is turned away for one of them is sent again. */
const PASSING: ReadonlySet<string> = new Set([
  'rate_limited',
  'storage_failed',
  'out_of_turn',
  'unavailable',
  'unauthorized',
  'unmatched topic',
  'unknown',
])

/**
 * I3 and I7, from the client's side: an op is in the outbox until its fate is known, leaves it together with its
 * effect, and its verdict is what the log says.
 */
export function checkOps(client: ClientMachine, process: ClientProcess, timeline: Timeline): void {
  const { issued, disk } = client
  if (issued.open.size === 0) return
  const cursor = process.replica.sync.cursor()
  const pending = new Set(disk.raw.all('select op_id from outbox').map(([opId]) => opId))
  // An unsent put gives way to the next one at its path, and waits for the fate of that.
  const replaced = new Set(disk.raw.all('select op_id from replaced').map(([opId]) => opId))
  for (const op of issued.open) {
    if (pending.has(op.opId)) checkPending(client, op, timeline, cursor)
    else if (!replaced.has(op.opId)) {
      checkSettled(client, process, op, timeline, cursor)
      issued.open.delete(op)
    }
  }
}

function checkPending(
  { index, snapshotSeq }: ClientMachine,
  { opId }: IssuedOp,
  timeline: Timeline,
  cursor: number,
) {
  const seq = timeline.seqOf(opId)
  if (seq === undefined || seq > cursor || seq <= snapshotSeq) return
  throw new Violation(
    'I2',
    `Client ${index} has ${opId} applied as event ${seq}, and still pending on top of it.`,
  )
}

function checkSettled(
  { index }: ClientMachine,
  { replica }: ClientProcess,
  op: IssuedOp,
  timeline: Timeline,
  cursor: number,
): void {
  const { opId } = op
  const verdict = replica.verdict(opId)
  const seq = timeline.seqOf(opId)
  if (!verdict || verdict.state === 'pending')
    throw new Violation(
      'I3',
      `Client ${index} has lost ${opId}: it is not in the outbox, and has no verdict.`,
    )
  if (op.verdict && op.verdict.state !== verdict.state)
    throw new Violation(
      'verdicts',
      `Client ${index} was told that ${opId} is ${op.verdict.state}; it is ${verdict.state}.`,
    )
  if (verdict.state === 'rejected') {
    if (seq !== undefined)
      throw new Violation(
        'I7',
        `Client ${index} was told that ${opId} is refused; it took effect as event ${seq}.`,
      )
    checkRefusal(index, op, verdict.error, timeline)
    return
  }
  const place = seq ?? replacedBy(op, verdict.revision, index, timeline)
  if (place === undefined)
    throw new Violation('I3', `Client ${index} was told that ${opId} is committed; the server never had it.`)
  if (place !== verdict.revision)
    throw new Violation(
      'I3',
      `Client ${index} was told that ${opId} is revision ${verdict.revision}; it is ${place}.`,
    )
  if (place > cursor)
    throw new Violation(
      'I2',
      `Client ${index} no longer shows ${opId}, and does not have its event ${place} yet.`,
    )
}

/** I5, and what is no reason to refuse an op. */
function checkRefusal(
  index: number,
  { opId, base }: IssuedOp,
  { code, fields }: ErrorData,
  timeline: Timeline,
): void {
  if (PASSING.has(code)) throw new Violation('I3', `Client ${index} has given up ${opId} because of ${code}.`)
  const own = base === null ? undefined : timeline.seqOf(base)
  if (code !== 'conflict' || own === undefined || fields?.current_revision !== own) return
  throw new Violation(
    'I5',
    `${opId} of client ${index} conflicts with ${base}, the own op that it was made on top of.`,
  )
}

/** Where the op stands that an unsent put has given way to. */
function replacedBy(op: IssuedOp, revision: number, client: number, timeline: Timeline): number | undefined {
  const accepted = timeline.ops[revision - 1]
  const successor = accepted?.deviceId === `c${client}` && accepted.op === 'set' && accepted.path === op.path
  return successor && op.op === 'set' ? revision : undefined
}
