import type { Mix } from './generate.js'
import { generateWork } from './generate-work.js'
import type { Random } from './random.js'
import type { Step } from './schedule.js'

/**
 * A client is away while others write and the log is compacted, and its connection breaks again and again while the
 * snapshot comes. Steps drawn one by one hardly ever come together like this.
 */
export function generateReturn(random: Random, mix: Mix): Step[] {
  const client = random.int(0, mix.clients - 1)
  const written = Array.from(
    { length: random.int(2, 6) },
    (): Step => ({ after: random.int(0, 50), ...generateWork(random, mix) }),
  )
  const broken = Array.from(
    { length: random.int(1, 6) },
    (): Step => ({
      after: random.int(20, 400),
      do: 'cut',
      client,
      up: random.int(0, 2),
      down: random.int(1, 5),
    }),
  )
  return [
    { after: 0, do: 'unreachable', client, ms: random.int(50, 400) },
    { after: 0, do: 'cut', client, up: 3, down: 0 },
    ...written,
    { after: 0, do: 'compact' },
    ...(random.chance(0.5) ? [{ after: 0, ...generateWork(random, mix) }] : []),
    ...broken,
  ]
}
