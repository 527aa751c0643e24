import { stringifyJson } from '@dustlayer/protocol'
import type { ClientMachine } from '../client/client-machine.js'
import { describeEntries, type History } from '../history.js'
import type { ServerMachine } from '../server/server-machine.js'
import { Violation } from '../violation.js'
import { checkRefusals } from './refusal-checks.js'
import { confirmedRows } from './replica-checks.js'

/** When nothing moves any more, everybody has the same, each op has had its effect once, and nothing is left over. */
export function checkEnd(
  clients: readonly ClientMachine[],
  server: ServerMachine,
  history: History,
  { serverMayFail }: { readonly serverMayFail: boolean },
): void {
  const { current } = history
  const expected = current.stateAt(current.head)
  expectSame('The server', server.entries(), expected)
  expectSame('The server has a digest that', server.digest(), current.digestNow())
  const [error] = server.errors
  if (error && !serverMayFail) throw new Violation('server', `The server has logged an error: ${error}`)
  for (const client of clients) {
    const { index, disk, issued, process } = client
    if (!process) throw new Violation('rest', `Client ${index} is dead.`)
    expectSame(`Client ${index}`, describeEntries(confirmedRows(disk.raw)), expected)
    expectSame(`Client ${index} has a digest that`, process.replica.digest(), current.digestNow())
    checkTally(client, history)
    checkBatches(client, history)
    checkRefusals(index, issued, process.replica)
  }
  for (const client of clients) {
    client.end()
    const { pending } = client.clock
    if (pending > 0) throw new Violation('leak', `Client ${client.index} has left ${pending} timers behind.`)
  }
}

/** Counters that only this client increments are the sum of its increments that the log has. */
function checkTally({ index, issued }: ClientMachine, { current }: History): void {
  const path = tallyOf(index)
  // A rollback takes counters back too.
  if (current.ops.some((op) => op.path === path && op.deviceId !== `c${index}`)) return
  const sum = issued.all
    .filter((op) => op.path === path && current.seqOf(op.opId) !== undefined)
    .reduce((total, { value }) => total + Number(value), 0)
  const entry = current.entriesNow().find((found) => found.path === path)
  if ((entry?.value ?? 0) !== sum)
    throw new Violation(
      'I3',
      `${path} is ${stringifyJson(entry?.value ?? null)}, and its increments make ${sum}.`,
    )
}

/** Ops of a batch are in the log one after the other, or not at all. */
function checkBatches({ index, issued }: ClientMachine, { current, forked }: History): void {
  // What a restored server has lost is sent again only as far as its event had not come.
  if (forked) return
  for (const batch of new Set(issued.all.map((op) => op.batch))) {
    if (batch === null) continue
    const ops = issued.all.filter((op) => op.batch === batch)
    const places = ops.map(({ opId }) => current.seqOf(opId))
    const first = places[0]
    if (places.every((place, i) => place === (first === undefined ? undefined : first + i))) continue
    const found = places.map((place) => place ?? 'nowhere').join(', ')
    throw new Violation(
      'batch',
      `${batch} of client ${index} is not one piece in the log: its ops are at ${found}.`,
    )
  }
}

/** The counter of one client. */
export function tallyOf(client: number): string {
  return `tally/c${client}`
}

function expectSame(who: string, actual: string, expected: string): void {
  if (actual === expected) return
  throw new Violation(
    'convergence',
    `${who} ended with something else.\nExpected:\n${expected}\nFound:\n${actual}`,
  )
}
