import type { LoggedOp } from '../support/raw-client.js'
import { kindOf, type Ledger, type WriterRecord } from './ledger.js'

/** What a store holds: each copy of it, as plain data. */
export interface StoreState {
  counter: number
  readonly ledger: { [writer: string]: { [n: string]: number } }
  readonly batches: { [writer: string]: { [n: string]: number } }
  readonly counters: { [writer: string]: number }
  /** Sorted. */
  readonly sets: { [writer: string]: number[] }
  readonly registers: { [writer: string]: number }
}

/**
 * Compares the server's log with what the writers wrote: of each writer it has the writes from the first to some last
 * one, each once, in their order, batches in one piece; the last is not before any that was acknowledged, and what was
 * committed is where the server said. Gives the state that this log makes.
 */
export function checkLog(log: readonly LoggedOp[], ledger: Ledger): StoreState {
  const state: StoreState = { counter: 0, ledger: {}, batches: {}, counters: {}, sets: {}, registers: {} }
  const followers = new Map<string, Follower>()
  for (const writer of ledger.writers.values()) followers.set(writer.name, createFollower(writer, state))
  const ids = new Set(log.map(({ client_op_id }) => client_op_id))
  if (ids.size !== log.length) ledger.violation(`The log has ${log.length} ops, and ${ids.size} ids of ops`)

  log.forEach((op, index) => {
    if (op.store_seq !== index + 1) ledger.violation(`The log has ${op.store_seq} at place ${index + 1}`)
    // The second half of a batch belongs to the writer of the first.
    const [, name = ''] = (op.path === 'counter' ? log[index - 1] : op)?.path.split('/') ?? []
    const problem = followers.has(name) ? followers.get(name)?.next(op) : 'nobody writes there'
    if (problem) ledger.violation(`The log has ${op.op} ${op.path} ${JSON.stringify(op.value)}: ${problem}`)
  })
  for (const follower of followers.values()) follower.end().forEach(ledger.violation)
  return state
}

interface Follower {
  /** Takes the next op of this writer. Says what is wrong with it. */
  next(op: LoggedOp): string | undefined
  end(): readonly string[]
}

function createFollower(writer: WriterRecord, state: StoreState): Follower {
  const { name } = writer
  /** The write that is due. */
  let due = 0
  let inBatch = false
  let lost = false
  /** Where each write is in the log, and under which ids. */
  const places = new Map<number, LoggedOp[]>()

  /** A plain put takes the place of the newest one, when that has not been sent and is on the same path (0070). */
  const skipReplaced = ({ op, path, value }: LoggedOp): void => {
    if (op !== 'set' || path !== `registers/${name}`) return
    while (kindOf(writer, due) === 'register' && kindOf(writer, due + 1) === 'register' && due !== value)
      due += 1
  }

  /** Whether the op is the write that is due, or the part of it that is; changes the state as the op does. */
  const isDue = ({ op, path, value }: LoggedOp): boolean => {
    switch (kindOf(writer, due)) {
      case 'put':
        put(state.ledger, name, due)
        return op === 'set' && path === `ledger/${name}/${due}` && value === due
      case 'count':
        state.counters[name] = (state.counters[name] ?? 0) + 1
        return op === 'increment' && path === `counters/${name}` && value === state.counters[name]
      case 'add':
        state.sets[name] = [...(state.sets[name] ?? []), due]
        return op === 'add' && path === `sets/${name}` && Array.isArray(value) && value.includes(due)
      case 'register':
        state.registers[name] = due
        return op === 'set' && path === `registers/${name}` && value === due
      case 'batch':
        inBatch = !inBatch
        if (inBatch) {
          put(state.batches, name, due)
          return op === 'set' && path === `batches/${name}/${due}` && value === due
        }
        state.counter += 1
        return op === 'increment' && path === 'counter' && value === state.counter
    }
  }

  return {
    next(op) {
      // One message about a writer says enough: after it nothing is where it should be.
      if (lost) return undefined
      skipReplaced(op)
      if (!isDue(op)) {
        lost = true
        return `of ${name}, ${kindOf(writer, due)} ${due} was due${inBatch ? ' (in a batch)' : ''}`
      }
      places.set(due, [...(places.get(due) ?? []), op])
      if (!inBatch) due += 1
      return undefined
    },
    end() {
      if (lost) return []
      const found: string[] = []
      if (inBatch) found.push(`Half of a batch: ${name} ${due}`)
      if (writer.issued !== null && due !== writer.issued)
        found.push(`The log has ${due} writes of ${name}, which made ${writer.issued}`)
      for (const [n, opIds] of writer.acked) {
        const ids = places.get(n)?.map(({ client_op_id }) => client_op_id)
        if (n >= due) found.push(`Acknowledged, and not in the log: ${kindOf(writer, n)} ${n} of ${name}`)
        else if (ids && ids.join() !== opIds.join())
          found.push(`${name} ${n} is in the log as ${ids}, and was acknowledged as ${opIds}`)
      }
      for (const [n, revisions] of writer.committed) {
        const seqs = places.get(n)?.map(({ store_seq }) => store_seq)
        // What a later put has taken the place of has that one's revision.
        if (kindOf(writer, n) !== 'register' && seqs?.join() !== revisions.join())
          found.push(`${name} ${n} is in the log at ${seqs}, and was committed at ${revisions}`)
      }
      return found
    },
  }
}

function put(nodes: { [writer: string]: { [n: string]: number } }, name: string, n: number): void {
  const node = nodes[name] ?? {}
  node[n] = n
  nodes[name] = node
}
