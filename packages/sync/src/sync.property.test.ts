import { EXTENSIONS, type ExtensionName, type Op } from '@dustlayer/protocol'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { createWorld, type World } from './testing/world.js'

// Every run counts, also on a machine that has much else to do.
vi.setConfig({ testTimeout: 180_000 })

/** One thing that happens to a client, its network or its server. */
type Happening =
  | {
      readonly kind: 'write'
      readonly op: 'set' | 'increment' | 'add' | 'delete' | 'merge'
      readonly key: number
    }
  | { readonly kind: 'foreign'; readonly key: number; readonly hidden: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'cut'; readonly arriving: number }
  | { readonly kind: 'silence' | 'crash' | 'restart' | 'reconnect' | 'probe' | 'hold' }
  | Extended
  | { readonly kind: 'release'; readonly reverse: boolean }
  | { readonly kind: 'unreachable' | 'offline'; readonly on: boolean }
  | { readonly kind: 'limit'; readonly ms: number }
  | { readonly kind: 'full'; readonly what: World['full'] }

/** What happens to servers with all extensions only, and to clients of any. */
type Extended =
  | { readonly kind: 'batch'; readonly key: number; readonly size: number }
  | { readonly kind: 'compact' | 'restore'; readonly part: number }
  | { readonly kind: 'cutChunks'; readonly after: number }
  | { readonly kind: 'resync' }

const key = fc.integer({ min: 0, max: 3 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      op: fc.constantFrom(
        'set' as const,
        'increment' as const,
        'add' as const,
        'delete' as const,
        'merge' as const,
      ),
      key,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('foreign' as const), key, hidden: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 4000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), arriving: fc.integer({ min: 0, max: 5 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('silence', 'crash', 'restart', 'reconnect', 'probe', 'hold'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), reverse: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('unreachable' as const, 'offline' as const),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('limit' as const), ms: fc.integer({ min: 1, max: 5000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('full' as const),
      what: fc.constantFrom('events' as const, 'answers' as const, null),
    }),
  },
)

const part = fc.double({ min: 0, max: 1, noNaN: true })
const extended: fc.Arbitrary<Extended> = fc.oneof(
  fc.record({ kind: fc.constant('batch' as const), key, size: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constantFrom('compact' as const, 'restore' as const), part }),
  fc.record({ kind: fc.constant('cutChunks' as const), after: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('resync' as const) }),
)

function happen(world: World, event: Happening, step: number): void {
  switch (event.kind) {
    case 'write':
      write(world, event.op, event.key, step)
      break
    case 'foreign':
      world.server.foreign(foreignOp(event.key, step), { hidden: event.hidden })
      break
    case 'wait':
      world.time.advance(event.ms)
      break
    case 'cut': {
      // A prefix of what is on its way arrives: the network drops no frame from the middle of a connection.
      let left = event.arriving
      world.network.cut(() => left-- > 0)
      break
    }
    case 'silence':
      world.network.silence()
      break
    case 'crash':
      world.server.crash()
      break
    case 'restart':
      world.restart()
      break
    case 'reconnect':
      world.client.reconnect()
      break
    case 'probe':
      world.client.probe()
      break
    case 'hold':
      world.server.holdBroadcasts = true
      break
    case 'release':
      world.server.releaseBroadcasts((frames) => (event.reverse ? frames.reverse() : frames))
      break
    case 'unreachable':
      world.network.unreachable = event.on
      break
    case 'offline':
      world.online.set(!event.on)
      break
    case 'limit':
      world.server.limitedUntil = world.time.now + event.ms
      break
    case 'full':
      world.full = event.what
      break
    case 'batch':
      world.batch(
        Object.fromEntries(
          Array.from({ length: event.size }, (_, index) => [`values/${event.key}/b${index}`, step]),
        ),
      )
      break
    case 'compact':
      world.server.compact(Math.floor(world.server.model.head * event.part))
      break
    case 'restore':
      world.server.restore(Math.floor(world.server.model.head * event.part))
      break
    case 'cutChunks':
      world.server.chunksUntilCut = event.after
      break
    case 'resync':
      world.sync.resync('it is tried out')
  }
}

/** Counters, sets and plain values live apart, so that no op is refused and every one must take effect. */
function write(
  world: World,
  op: Extract<Happening, { kind: 'write' }>['op'],
  key: number,
  step: number,
): void {
  if (op === 'increment') world.write({ op, path: `counters/${key}`, value: 1 })
  else if (op === 'add') world.write({ op, path: `sets/${key}`, value: step })
  else if (op === 'merge') world.write({ op, path: `values/${key}`, value: { [step % 3]: step } })
  else world.write({ op, path: `values/${key}`, value: op === 'set' ? { 0: step } : null })
}

function foreignOp(key: number, step: number): Op {
  return { op: 'set', path: `values/${key}`, value: { foreign: step }, opId: `foreign_${step}` }
}

function heal(world: World): void {
  world.network.unreachable = false
  world.online.set(true)
  world.server.limitedUntil = 0
  world.full = null
  world.server.chunksUntilCut = Number.POSITIVE_INFINITY
  world.server.releaseBroadcasts()
  // What was never broadcast is noticed by the hole that it leaves before the next event.
  world.server.foreign(foreignOp(0, -1))
}

interface Server {
  readonly dedup: boolean
  readonly extensions: readonly ExtensionName[]
}

function check({ dedup, extensions }: Server, happenings: readonly Happening[], random: () => number): void {
  const world = createWorld({ dedup, extensions, random, latency: () => 1 + Math.floor(random() * 200) })
  world.server.pageSize = 2
  happenings.forEach((event, step) => {
    happen(world, event, step)
  })
  heal(world)
  // The connection may have died together with a server that was restored, without a word.
  world.client.probe()
  world.time.advance(5_000)
  world.settle(3_600_000)

  const happened = (...kinds: Happening['kind'][]): number =>
    happenings.filter(({ kind }) => kinds.includes(kind)).length
  const { server, replica } = world
  expect(world.differences()).toEqual([])
  // When a limit ends, ops behind the ones that it refused may be accepted before those are sent again.
  const mayOvertake = happened('limit') > 0 && !extensions.includes('ordered_writes')
  const restored = happened('restore') > 0
  const log = restored ? ownOps(world) : server.effects
  const effects = mayOvertake ? [...log].sort(byNumber) : log
  // The store's process may die twice while the same op is under way; only then may an op be given up. A restored
  // server has lost what the client saw confirmed before.
  const mayMiss = happened('crash') >= 2 || restored
  expect(effects).toEqual(mayMiss ? world.issued.filter((opId) => effects.includes(opId)) : world.issued)
  world.client.close()
  expect(world.clock.pending).toBe(0)
  expect(world.online.listeners).toBe(0)
  replica.close()
}

/** The client's ops that the server has now, in the order of its log. */
function ownOps({ server }: World): string[] {
  return server.data.log.map(({ opId }) => opId).filter((opId) => opId.startsWith('op_'))
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(3)) - Number(b.slice(3))
}

/** The same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed | 1
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

test.each<[string, Server, fc.Arbitrary<Happening>]>([
  ['C23 I12–I16 I21 a server that recognises repeated op ids', { dedup: true, extensions: [] }, happening],
  ['C23 I12–I16 I21 a server that does not', { dedup: false, extensions: [] }, happening],
  [
    'I21 a server with all extensions, which is compacted and restored',
    { dedup: true, extensions: EXTENSIONS },
    fc.oneof({ weight: 5, arbitrary: happening }, { weight: 1, arbitrary: extended }),
  ],
])('every op takes effect exactly once and in order, whatever happens: %s', (_, server, happenings) => {
  fc.assert(
    fc.property(fc.array(happenings, { maxLength: 60 }), fc.integer(), (events, seed) => {
      check(server, events, seeded(seed))
    }),
    { numRuns: 500 },
  )
})
