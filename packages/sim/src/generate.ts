import { generateFault } from './generate-faults.js'
import { generateReturn } from './generate-return.js'
import { generateWork } from './generate-work.js'
import { createRandom, type Random } from './random.js'
import type { Fault, Happening, Schedule, Step } from './schedule.js'

/** What a schedule is made of; another mix in each run finds more than the same one in all. */
export interface Mix {
  readonly clients: number
  readonly faults: readonly Fault['do'][]
  /** Where ops meet: few paths make many conflicts. */
  readonly paths: readonly string[]
  /** Whether clients compete for a lease, and write under it. */
  readonly leases: boolean
}

const FAULTS: readonly Fault['do'][] = [
  'cut',
  'silence',
  'unreachable',
  'offline',
  'slow',
  'pause',
  'mangle',
  'probe',
  'reconnect',
  'kill',
  'clientDisk',
  'serverDisk',
  'serverRead',
  'serverCrash',
  'limit',
  'compact',
  'revoke',
  'restore',
  'rot',
]

const PATHS = ['a', 'b', 'a/b', 'a/c', 'a/b/c', 'a/b/d', 'b/c', 'n', 's']

/** The schedule of a seed: some dozen steps, of which most are work. `only` these faults are in it, if given. */
export function generate(seed: number, only?: readonly Fault['do'][]): Schedule {
  const random = createRandom(seed)
  const clients = random.pick([1, 1, 2, 2, 2, 3])
  const faults = only ?? Array.from({ length: random.int(1, 6) }, () => random.pick(FAULTS))
  const mix: Mix = {
    clients,
    faults,
    paths: PATHS.filter(() => random.chance(0.6)).concat('a'),
    leases: random.chance(0.2),
  }
  const faultRate = random.pick([0, 0.1, 0.25, 0.25, 0.45])
  const length = random.int(20, 70)
  const steps = Array.from({ length }, (): Step => {
    const happening: Happening = random.chance(faultRate)
      ? generateFault(random, mix)
      : generateWork(random, mix)
    return { after: pauseBefore(random), ...happening }
  })
  if (!only && random.chance(0.15)) steps.splice(random.int(5, length), 0, ...generateReturn(random, mix))
  return {
    seed,
    conditions: {
      clients: Array.from({ length: clients }, () => (random.chance(0.25) ? 'msgpack' : 'json')),
      latency: random.pick([
        { min: 1, max: 1 },
        { min: 1, max: 60 },
        { min: 20, max: 400 },
      ]),
      page: random.pick([2, 3, 5, 20]),
    },
    steps,
  }
}

function pauseBefore(random: Random): number {
  const kind = random.next()
  if (kind < 0.4) return 0
  if (kind < 0.8) return random.int(1, 80)
  if (kind < 0.95) return random.int(100, 2_000)
  return random.int(2_000, 70_000)
}
