import type { Stage } from './happen.js'
import { Violation } from './violation.js'

/** After the last fault everything must come to rest within this time. */
const REST_MS = 30 * 60_000
const LOOK_MS = 250
const NUDGE_MS = 120_000

/** Everything that was told to fail works again, and everybody is back. */
export function heal({ server, sites }: Stage): void {
  server.disk.heal()
  server.refusals.heal()
  if (!server.up) server.crash(0)
  for (const { machine, access, signIn, setOnline } of sites) {
    machine.disk.heal()
    machine.start()
    access.unreachable = false
    access.slow = false
    signIn()
    setOnline(true)
    machine.process?.client.resume()
  }
}

export interface RestOptions {
  advance(ms: number): Promise<void>
  /** Whether an event may have got lost that only the next one can show to be missing. */
  readonly mayMiss: boolean
}

/** Waits until nothing is left to do. @throws Violation when that takes too long. */
export async function comeToRest(stage: Stage, { advance, mayMiss }: RestOptions): Promise<void> {
  const { time } = stage
  const end = time.now + REST_MS
  let nudgeAt = time.now
  while (!isAtRest(stage)) {
    if (mayMiss && time.now >= nudgeAt) {
      stage.remote({ do: 'remote', op: 'set', path: 'nudge', value: time.now })
      nudgeAt = time.now + NUDGE_MS
    }
    if (time.now >= end) throw new Violation('rest', describeUnrest(stage))
    await advance(LOOK_MS)
  }
}

function isAtRest({ server, sites, history }: Stage): boolean {
  return (
    server.up &&
    sites.every(({ machine: { process }, rotten }) => {
      if (!process || rotten) return false
      const { state, lastStoreSeq } = process.sync.status()
      return (
        state === 'live' && lastStoreSeq === history.current.head && process.replica.pending().count === 0
      )
    })
  )
}

function describeUnrest({ server, sites, history }: Stage): string {
  const clients = sites.map(({ machine: { index, process }, rotten }) => {
    if (!process) return `client ${index} is dead`
    const { state, lastStoreSeq, error } = process.sync.status()
    const { count } = process.replica.pending()
    const copy = rotten ? ', its copy is bad' : ''
    return `client ${index} is ${state} at ${lastStoreSeq}${copy} with ${count} pending (${error?.message ?? 'no error'})`
  })
  const atServer = `the server is ${server.up ? 'up' : 'down'} at ${history.current.head}`
  return `Half an hour after the last fault something is still amiss: ${[atServer, ...clients].join('; ')}.`
}
