import { type Entry, type EntryType, parseJson, parsePattern, stringifyJson } from '@dustlayer/protocol'
import { createModelStore } from '@dustlayer/protocol/testing'
import type { EntryData, LocalOp, SqliteDriver } from '@dustlayer/replica'
import type { ClientMachine } from '../client/client-machine.js'
import type { ClientProcess } from '../client/client-process.js'
import { describeEntries, type History, type Timeline } from '../history.js'
import { Violation } from '../violation.js'

const EVERYTHING = parsePattern('**')

/**
 * I1: the confirmed rows are the fold of the server's log up to the cursor. Gives the history that they belong to:
 * the one that the replica names, or until it has left that the one that it belonged to before.
 */
export function checkConfirmed(
  client: ClientMachine,
  { replica }: ClientProcess,
  history: History,
  before: Timeline | undefined,
): Timeline {
  const cursor = replica.sync.cursor()
  const named = history.timeline(replica.sync.incarnation()) ?? history.current
  const actual = describeEntries(confirmedRows(client.disk.raw))
  // One that dies right after it has moved to another history comes back without its name.
  const timeline = [named, before, history.current].find((candidate) => candidate?.stateAt(cursor) === actual)
  if (timeline) return timeline
  throw new Violation(
    'I1',
    `Client ${client.index} has at ${cursor} other entries than the server had.\nExpected:\n${named.stateAt(cursor)}\nFound:\n${actual}`,
  )
}

/** I2: what a reader sees is the outbox folded over the confirmed rows. */
export function checkVisible({ index, disk }: ClientMachine, { replica }: ClientProcess): void {
  const model = createModelStore(confirmedRows(disk.raw))
  const pending = pendingOps(disk.raw)
  for (const op of pending) model.apply(op)
  const expected = describeValues(model.entries())
  const actual = describeValues(replica.enum(EVERYTHING).items as EntryData[])
  if (actual === expected) return
  const ops = pending.map(({ opId, op, path }) => `${opId} ${op} ${path}`).join(', ')
  throw new Violation(
    'I2',
    `Client ${index} shows something else than its outbox (${ops}) on top of what is confirmed.\nExpected:\n${expected}\nFound:\n${actual}`,
  )
}

/** The columns were written by the replica, so their types are known. */
export function confirmedRows(database: SqliteDriver): Entry[] {
  return database
    .all('select path, value, type, seq from entries order by path')
    .map(([path, value, type, seq]) => ({
      path: path as string,
      value: parseJson(value as string),
      type: type as EntryType,
      seq: seq as number,
    }))
}

/** Without preconditions: those are the server's to judge. */
function pendingOps(database: SqliteDriver) {
  return database
    .all('select op_id, op, path, value from outbox order by position')
    .map(([opId, op, path, value]) => ({
      opId: opId as string,
      op: op as LocalOp['op'],
      path: path as string,
      value: parseJson(value as string),
    }))
}

function describeValues(
  entries: readonly { readonly path: string; readonly value: Entry['value'] }[],
): string {
  return entries.map(({ path, value }) => `${path} = ${stringifyJson(value)}`).join('\n')
}
