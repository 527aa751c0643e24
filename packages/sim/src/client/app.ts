import { DustError, type JsonValue, toWritePayload } from '@dustlayer/protocol'
import type { LocalOp, RejectedWrite, Replica } from '@dustlayer/replica'
import type { Draft } from '../schedule.js'
import type { Trace } from '../trace.js'
import { Crash } from '../violation.js'
import { isDiskFull } from './client-disk.js'
import { type ClientMachine, quietly } from './client-machine.js'

/** What an app does on a client's machine. Nothing of it happens while no process runs. */
export interface App {
  write(draft: Draft): void
  batch(drafts: readonly Draft[], separate: boolean): void
  /** Issues the nth refused op again, as another op. */
  retry(nth: number): void
  /** Takes the nth refused op off the list. */
  drop(nth: number): void
  /** Takes the lease, renews it when the app holds it. */
  lease(key: string, ttlMs: number): void
  release(key: string): void
  /** Calls `done` when the sync client says that everything is in step. */
  synced(done: () => void): void
}

/** The lease that fenced writes name. */
export const LOCK = 'lock'

export function createApp(machine: ClientMachine, trace: Trace | undefined): App {
  const { index, disk, issued } = machine
  const seen = new Map<string, number>()
  const tokens = new Map<string, JsonValue>()
  let nextOp = 1
  let nextRequest = 1

  const conditionOf = (replica: Replica, { op, path, value, condition }: Draft): Partial<LocalOp> => {
    const token = tokens.get(LOCK)
    if (condition === 'fenced') return token === undefined ? {} : { fence: { key: LOCK, token } }
    const single = op === 'delete' || (op === 'set' && !isMap(value))
    if (!single || condition === undefined) return {}
    if (condition === 'absent') return op === 'set' ? { ifAbsent: true } : {}
    const entry = replica.entry(path)
    const revision = condition === 'older' ? seen.get(path) : entry?.revision
    if (entry) seen.set(path, entry.revision)
    return revision === undefined || entry?.type === 'map' ? {} : { ifMatch: revision }
  }

  const toLocalOp = (replica: Replica, draft: Draft): LocalOp => {
    const { op, path, value } = draft
    const opId = `c${index}-${nextOp}`
    nextOp += 1
    return { op, path, value, opId, ...conditionOf(replica, draft) }
  }

  /** A call that is refused, or dies in the middle, has issued only what is in the outbox. */
  const issue = (
    batch: string | null,
    drafts: readonly Draft[],
    run: (replica: Replica, ops: readonly LocalOp[]) => void,
  ): void => {
    const { process } = machine
    if (!process) return
    let ops: readonly LocalOp[] = []
    try {
      ops = drafts.map((draft) => toLocalOp(process.replica, draft))
      trace?.(`c${index}      issues ${ops.map(describeOp).join(', ')}`)
      run(process.replica, ops)
    } catch (error) {
      trace?.(`c${index}      refuses: ${error}`)
      if (!(error instanceof DustError || error instanceof Crash || isDiskFull(error))) throw error
    }
    for (const { opId, op, path, value, fence = null } of ops) {
      const [pending] = disk.raw.all('select waits_for from outbox where op_id = ?', [opId])
      // The column is a text or null.
      const base = (pending?.[0] ?? null) as string | null
      if (pending) issued.add({ opId, op, path, value, batch, base, fence })
    }
    quietly(() => process.sync.outboxChanged())
  }

  const refusedWrite = (nth: number): RejectedWrite | undefined => {
    const refused = disk.calmly(() => machine.process?.replica.rejections() ?? [])
    return refused[nth % Math.max(1, refused.length)]
  }

  const noteTakenOff = ({ opId }: RejectedWrite): void => {
    const [listed] = disk.raw.all('select 1 from rejections where op_id = ?', [opId])
    if (!listed) issued.takenOff.add(opId)
  }

  const request = (op: 'lease' | 'renew' | 'release', key: string, ttlMs?: number): void => {
    const token = tokens.get(key)
    const opId = `lease-c${index}-${nextRequest}`
    nextRequest += 1
    const payload = toWritePayload({
      op,
      path: key,
      value: null,
      opId,
      ...(ttlMs !== undefined && { ttlMs }),
      ...(op === 'lease' ? { holder: `c${index}` } : { token: token ?? null }),
    })
    const answered = ({ token: granted }: { readonly token?: JsonValue }): void => {
      if (op === 'lease' && granted !== undefined) tokens.set(key, granted)
    }
    // What is refused, or gets no answer, is as good as not asked: leases run out.
    machine.process?.sync.request('write', payload).then(answered, () => {})
  }

  return {
    write: (draft) => issue(null, [draft], (replica, [op]) => op && replica.write(op)),
    batch(drafts, separate) {
      const id = `c${index}-batch-${nextOp}`
      issue(separate ? null : id, drafts, (replica, ops) => replica.writeBatch({ id, ops, separate }))
    },
    retry(nth) {
      const refused = refusedWrite(nth)
      if (!refused) return
      const { op, path, value, opId } = refused
      issue(null, [{ op, path, value }], (replica, [edited]) => {
        if (edited) replica.retryRejection(opId, edited)
      })
      noteTakenOff(refused)
    },
    drop(nth) {
      const refused = refusedWrite(nth)
      if (!refused) return
      issue(null, [], (replica) => void replica.dropRejection(refused.opId))
      noteTakenOff(refused)
    },
    lease: (key, ttlMs) => request(tokens.has(key) ? 'renew' : 'lease', key, ttlMs),
    release(key) {
      request('release', key)
      tokens.delete(key)
    },
    synced(done) {
      machine.process?.sync.synced().then(done, () => {})
    },
  }
}

function describeOp({ opId, op, path, value }: LocalOp): string {
  return `${opId}: ${op} ${path} ${JSON.stringify(value)}`
}

function isMap(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
