import { BatchUnsupportedError, DustError, type Entry, type JsonValue } from '@dustlayer/protocol'
import type { ModelEvent } from '@dustlayer/protocol/testing'
import type { SqliteDriver } from '../driver.js'
import type { Verdict } from '../events.js'
import { isPlainPut, type LocalOp } from '../local-op.js'
import { openReplica, type Replica, type ReplicaOptions } from '../replica.js'
import type { OutboxOp } from '../sync-port.js'
import { openBetterSqlite } from './better-sqlite.js'
import type { Draft, Step } from './step.js'
import { createWorld, type World } from './world.js'

export type { Draft, Step } from './step.js'

/** How far the staged state has come, as the server's side of it knows. */
interface Plan {
  readonly incarnation: number
  readonly seq: number
  readonly entries: readonly Entry[]
  sent: number
  cursor: number
}

/** One client and one server that any sequence of steps can be performed on. */
export interface Run {
  readonly world: World
  readonly driver: SqliteDriver
  /** Ops in issue order. */
  readonly issued: readonly LocalOp[]
  /** The op that took the place of another. */
  readonly replaced: ReadonlyMap<string, string>
  /** Ops of batches that this client did not send, because the server has no batches. */
  readonly unsendable: ReadonlySet<string>
  /** Settled ops that the server has lost. */
  readonly lost: ReadonlySet<string>
  /** The list of refused writes as it should be. */
  readonly refused: readonly string[]
  /** Every verdict told, in order. */
  readonly verdicts: readonly (readonly [opId: string, verdict: Verdict])[]
  /** The log that the confirmed state comes from. */
  followed(): readonly ModelEvent[]
  replica(): Replica
  perform(step: Step): void
  /** Performs what is due until nothing is pending. */
  settle(): void
}

export interface RunOptions extends Pick<ReplicaOptions, 'interest'> {
  /** An empty database; one of better-sqlite3's in memory by default. */
  readonly driver?: SqliteDriver
  /** Whether the server knows batches. */
  readonly batches: boolean
  /** Sees the replica whenever it was opened. */
  readonly opened?: (replica: Replica) => void
}

const DEVICE = 'device-1'

const REFUSAL = { reason: 'limit_exceeded' }

export function createRun({ batches, opened = () => {}, ...options }: RunOptions): Run {
  const world = createWorld()
  const driver = options.driver ?? openBetterSqlite()
  const issued: LocalOp[] = []
  const replaced = new Map<string, string>()
  const unsendable = new Set<string>()
  const lost = new Set<string>()
  const verdicts: (readonly [string, Verdict])[] = []
  const handedOut = new Set<string>()
  let refused: string[] = []
  let calls: (() => void)[] = []
  let followed = { incarnation: world.incarnation, log: () => world.log }
  let plan: Plan | undefined
  let sent = 0
  let ids = 0

  const open = (): Replica => {
    const replica = openReplica({ driver, store: 'o/s', deviceId: DEVICE, now: () => 1, ...options })
    replica.onVerdict((opId, verdict) => {
      verdicts.push([opId, verdict])
      if (verdict.state === 'rejected' && !replaced.has(opId)) refused.push(opId)
    })
    opened(replica)
    return replica
  }
  let replica = open()

  /** A restored server and a client that follows the history before: nothing goes on before the rebuild. */
  const mustReset = () => followed.incarnation !== world.incarnation

  const toOp = ({ op, path, value, cas, fence }: Draft): LocalOp => ({
    op,
    path,
    value,
    opId: `own-${ids++}`,
    ...(cas && matchable(replica, { op, path, value })),
    ...(fence && { fence: { key: 'lock', token: tokenOf(replica.get('lock')) } }),
  })

  /** Calls of the app may be refused at the call; then they must never reach the server. */
  const attempt = (call: () => void): boolean => {
    try {
      call()
    } catch (error) {
      if (!(error instanceof DustError)) throw error
      return false
    }
    calls = [...calls.slice(-2), call]
    return true
  }

  const noteIssued = (op: LocalOp, pendingBefore: number): void => {
    const previous = issued.at(-1)
    issued.push(op)
    if (replica.pending().count > pendingBefore) return
    if (!previous || !isPlainPut(previous) || !isPlainPut(op) || previous.path !== op.path)
      throw new Error(`${op.opId} took the place of an op that is not like it`)
    if (handedOut.has(previous.opId)) throw new Error(`${op.opId} took the place of an op on its way`)
    replaced.set(previous.opId, op.opId)
  }

  const write = (op: LocalOp): void => {
    const before = replica.pending().count
    if (attempt(() => replica.write(op))) noteIssued(op, before)
  }

  const writeBatch = (ops: readonly LocalOp[], separate: boolean): void => {
    const batch = { id: `batch-${ids++}`, ops, separate }
    if (attempt(() => replica.writeBatch(batch))) issued.push(...ops)
  }

  const retryRefused = (): void => {
    const first = replica.rejections()[0]
    if (!first) return
    const { op, path, value } = first
    const edited: LocalOp = { op, path, value, opId: `own-${ids++}` }
    const before = replica.pending().count
    if (!attempt(() => replica.retryRejection(first.opId, edited))) return
    refused = refused.filter((opId) => opId !== first.opId)
    noteIssued(edited, before)
  }

  const dropRefused = (): void => {
    const first = replica.rejections()[0]
    if (!first) return
    replica.dropRejection(first.opId)
    refused = refused.filter((opId) => opId !== first.opId)
  }

  const send = (refuse: boolean): void => {
    const [next, ...more] = replica.sync.outbox(sent, 1)
    if (!next) return
    const group = [next, ...more]
    for (const { opId } of group) handedOut.add(opId)
    if (group.some(({ waitsFor }) => waitsFor !== null)) return
    sent = next.position
    const refusal = refuse ? REFUSAL : undefined
    if (!next.batch || (next.batch.separate && !batches)) {
      if (!next.acked) world.push(DEVICE, next.payload, refusal)
      return
    }
    sent = group.at(-1)?.position ?? sent
    sendBatch(next.batch.id, group, refusal)
  }

  const sendBatch = (id: string, ops: readonly OutboxOp[], refusal?: typeof REFUSAL): void => {
    if (ops.some(({ batch }) => batch?.id !== id || batch.size !== ops.length))
      throw new Error(`batch ${id} is torn`)
    if (ops.every(({ acked }) => acked)) return
    if (batches) {
      const payloads = ops.map(({ payload }) => payload)
      world.pushBatch(DEVICE, id, payloads, refusal)
      return
    }
    for (const { opId } of ops) unsendable.add(opId)
    replica.sync.rejectBatch(id, new BatchUnsupportedError('no batches here'), null)
  }

  /** A new connection resends nothing before the catch-up is complete. */
  const reconnect = (): void => {
    world.disconnect()
    if (mustReset()) return
    world.deliverEvents(replica.sync, Number.POSITIVE_INFINITY)
    sent = 0
  }

  const restart = (): void => {
    replica = open()
    const staging = replica.sync.staging()
    const folded = plan !== undefined && (plan.seq === 0 || plan.cursor > plan.seq)
    if (!plan || folded) {
      if (staging) throw new Error('a staging that cannot go on is offered')
      plan = undefined
    } else if (staging?.seq !== plan.seq || staging.after !== (plan.entries[plan.sent - 1]?.path ?? null)) {
      throw new Error('the staging is not where it was')
    }
    reconnect()
  }

  const beginStaging = (fromLog: boolean): void => {
    const seq = fromLog ? 0 : world.server.head
    plan = {
      incarnation: world.incarnation,
      seq,
      entries: fromLog ? [] : world.server.entries(),
      sent: 0,
      cursor: seq,
    }
    replica.sync.stageBegin(seq, String(world.incarnation))
  }

  const stage = (size: number, fromLog: boolean): void => {
    if (plan?.incarnation !== world.incarnation) {
      beginStaging(fromLog)
      return
    }
    if (plan.sent < plan.entries.length) {
      const chunk = plan.entries.slice(plan.sent, plan.sent + size)
      replica.sync.stageEntries(chunk, chunk.at(-1)?.path ?? null)
      plan.sent += chunk.length
      return
    }
    const behind = plan.cursor < Math.min(world.server.head, mustReset() ? 0 : replica.sync.cursor())
    const more = plan.cursor < world.server.head
    if (more && (behind || size > 1)) {
      const again = plan.cursor > plan.seq ? 1 : 0
      const events = world.events(plan.cursor - again, size + again)
      replica.sync.stageEvents(events)
      plan.cursor = events.at(-1)?.store_seq ?? plan.cursor
      return
    }
    replica.sync.stageFinish(plan.cursor, { reset: mustReset() })
    if (mustReset()) sent = 0
    followed = { incarnation: world.incarnation, log: () => world.log }
    plan = undefined
  }

  const restore = (ops: number): void => {
    const before = world.log
    const pending = new Set(replica.export().outbox.map(({ opId }) => opId))
    if (!mustReset()) followed = { incarnation: world.incarnation, log: () => before }
    for (const opId of world.restore(ops)) if (!pending.has(opId)) lost.add(opId)
  }

  const perform = (step: Step): void => {
    switch (step.kind) {
      case 'write':
        write(toOp(step.draft))
        break
      case 'batch':
        writeBatch(step.drafts.map(toOp), step.separate)
        break
      case 'foreign': {
        const { op, path, value } = step.draft
        world.foreign({ op, path, value, opId: `foreign-${ids++}` })
        break
      }
      case 'lease':
        world.foreign({ op: 'lease', path: 'lock', value: null, opId: `foreign-${ids++}`, ttlMs: 1 })
        break
      case 'retryRefused':
        retryRefused()
        break
      case 'dropRefused':
        dropRefused()
        break
      case 'repeat':
        // A call whose answer was lost with a leader is made again, whatever has become of it.
        for (const call of calls) call()
        break
      case 'rollback':
        failInTransaction(replica, plan, `own-${ids++}`)
        break
      case 'restart':
        restart()
        break
      case 'stage':
        stage(step.size, step.fromLog)
        break
      case 'restore':
        restore(step.ops)
        break
      case 'reconnect':
        reconnect()
        break
    }
    if (mustReset()) return
    switch (step.kind) {
      case 'send':
        send(step.refuse)
        break
      case 'answer':
        world.deliverAnswer(replica.sync)
        break
      case 'events':
        world.deliverEvents(replica.sync, step.limit, step.again)
        break
      case 'snapshot':
        plan = undefined
        world.deliverSnapshot(replica.sync)
        break
    }
  }

  const settle = (): void => {
    while (mustReset()) stage(1, false)
    for (let idle = 0; replica.pending().count > 0 && idle < 1_000; idle++) {
      send(false)
      world.deliverEvents(replica.sync, 1)
      world.deliverAnswer(replica.sync)
    }
    world.deliverEvents(replica.sync, Number.POSITIVE_INFINITY)
  }

  return {
    world,
    driver,
    issued,
    replaced,
    unsendable,
    lost,
    get refused() {
      return refused
    },
    verdicts,
    followed: () => followed.log(),
    replica: () => replica,
    perform,
    settle,
  }
}

/** The revision that shows at the path, for ops that can be bound to it. */
function matchable(replica: Replica, { op, path, value }: Draft): { ifMatch?: number } {
  const single = op === 'delete' || (op === 'set' && (typeof value !== 'object' || Array.isArray(value)))
  const entry = replica.entry(path)
  return single && entry && entry.type !== 'map' ? { ifMatch: entry.revision } : {}
}

function tokenOf(lease: JsonValue | undefined): JsonValue {
  return typeof lease === 'object' && lease !== null && 'token' in lease ? (lease.token ?? null) : 1
}

/** Nothing of what a transaction did may be left when it fails. */
function failInTransaction(replica: Replica, plan: Plan | undefined, opId: string): void {
  const failed = () =>
    replica.transaction(() => {
      replica.write({ op: 'set', path: 'a', value: { b: 'never seen' }, opId })
      const refused = replica.rejections()[0]
      if (refused) replica.dropRejection(refused.opId)
      const next = plan?.entries[plan.sent]
      if (next) replica.sync.stageEntries([next], next.path)
      throw new Error('expected')
    })
  try {
    failed()
  } catch (error) {
    if (!(error instanceof Error && error.message === 'expected')) throw error
  }
  if (replica.verdict(opId)) throw new Error('a write is known that was rolled back')
}
