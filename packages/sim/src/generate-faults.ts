import type { Mix } from './generate.js'
import type { Random } from './random.js'
import type { Fault } from './schedule.js'

export function generateFault(random: Random, { clients, faults }: Mix): Fault {
  const client = random.int(0, clients - 1)
  const what = random.pick(faults)
  switch (what) {
    case 'cut':
      return { do: what, client, up: random.int(0, 4), down: random.int(0, 6) }
    case 'silence':
      return { do: what, client, direction: random.pick(['up', 'down', 'both'] as const) }
    case 'unreachable':
    case 'offline':
    case 'slow':
    case 'pause':
      return { do: what, client, ms: random.pick([50, 400, 3_000, 20_000]) }
    case 'mangle':
      return {
        do: what,
        client,
        how: random.pick(['lose', 'repeat', 'delay'] as const),
        skip: random.int(0, 4),
      }
    case 'probe':
    case 'reconnect':
      return { do: what, client }
    case 'kill':
      return {
        do: what,
        client,
        statements: random.chance(0.5) ? 0 : random.int(1, 40),
        ms: random.pick([0, 100, 2_000]),
      }
    case 'clientDisk':
      return { do: what, client, statements: random.int(0, 40) }
    case 'serverDisk':
    case 'serverRead':
      return { do: what, times: random.int(1, 3) }
    case 'serverCrash':
      return {
        do: what,
        point: random.pick(['begin', 'append', 'commit', 'committed', 'sending'] as const),
        count: random.int(0, 4),
        ms: random.pick([0, 100, 3_000]),
      }
    case 'limit':
      return { do: what, skip: random.int(0, 3), times: random.int(1, 4), ms: random.pick([10, 300, 2_000]) }
    case 'compact':
    case 'backup':
      return { do: what }
    case 'restore':
      // The other half of what it takes.
      return random.chance(0.5) ? { do: 'backup' } : { do: what, ms: random.pick([0, 500]) }
    case 'revoke':
      return { do: what, client, ms: random.pick([100, 5_000]) }
    case 'wait':
      return { do: what }
    case 'rot':
      return { do: what, client, nth: random.int(0, 10) }
  }
}
