import type { JsonValue } from '@dustlayer/protocol'
import type { Mix } from './generate.js'
import type { Random } from './random.js'
import type { Draft, Work } from './schedule.js'

const LEAVES: readonly JsonValue[] = [0, 1, 'x', null, true, 2.5, [1, 2], ['m']]
const MEMBERS: readonly JsonValue[] = ['m', 'n', 1, [1]]

export function generateWork(random: Random, mix: Mix): Work {
  const client = random.int(0, mix.clients - 1)
  const kind = random.next()
  if (kind < 0.14) return { do: 'remote', ...withoutCondition(generateDraft(random, mix)) }
  if (kind < 0.15)
    return {
      do: 'rollback',
      back: random.int(1, 6),
      path: random.chance(0.5) ? null : random.pick(mix.paths),
    }
  if (kind < 0.17) return { do: 'burst', client, count: random.int(2, 12) }
  if (kind < 0.27)
    return { do: 'write', client, op: 'increment', path: `tally/c${client}`, value: random.int(1, 9) }
  if (kind < 0.32)
    return { do: random.pick(['retry', 'retry', 'drop'] as const), client, nth: random.int(0, 5) }
  if (kind < 0.34) return { do: 'synced', client }
  if (kind < 0.45) return generateBatch(random, mix, client)
  if (mix.leases && kind < 0.53) return generateLease(random, client)
  return { do: 'write', client, ...generateDraft(random, mix) }
}

function generateLease(random: Random, client: number): Work {
  if (random.chance(0.25)) return { do: 'release', client }
  return { do: 'lease', client, ms: random.pick([50, 500, 3_000]) }
}

function generateBatch(random: Random, mix: Mix, client: number): Work {
  const ops = Array.from({ length: random.int(1, 4) }, () => generateDraft(random, mix))
  return { do: 'batch', client, ops, separate: random.chance(0.3) }
}

function generateDraft(random: Random, { paths, leases }: Mix): Draft {
  const draft = generatePlainDraft(random, paths)
  return leases && random.chance(0.3) ? { ...draft, condition: 'fenced' } : draft
}

function generatePlainDraft(random: Random, paths: readonly string[]): Draft {
  const path = random.pick(paths)
  const kind = random.next()
  if (kind < 0.35) return { op: 'set', path, value: random.pick(LEAVES), ...generateCondition(random) }
  if (kind < 0.5) return { op: 'set', path, value: generateMap(random, 2) }
  if (kind < 0.6) return { op: 'delete', path, value: null, ...generateCondition(random) }
  if (kind < 0.72) return { op: 'merge', path, value: generateMap(random, 2) }
  if (kind < 0.86) return { op: 'increment', path, value: random.pick([1, -2, 5, 0.5]) }
  return { op: random.chance(0.6) ? 'add' : 'remove', path, value: random.pick(MEMBERS) }
}

function generateCondition(random: Random): Pick<Draft, 'condition'> {
  if (random.chance(0.6)) return {}
  return { condition: random.pick(['seen', 'seen', 'older', 'absent'] as const) }
}

function generateMap(random: Random, depth: number): JsonValue {
  const map: { [key: string]: JsonValue } = {}
  for (const key of ['b', 'c', 'd']) {
    if (random.chance(0.5)) continue
    map[key] = depth > 0 && random.chance(0.3) ? generateMap(random, depth - 1) : random.pick(LEAVES)
  }
  return map
}

function withoutCondition({ op, path, value }: Draft) {
  return { op, path, value }
}
