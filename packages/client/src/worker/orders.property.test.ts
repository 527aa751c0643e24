import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WatchEvent } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

/** What happens to tabs, in any order (design pain 12). `tab` counts around those that are there. */
type Step =
  | {
      readonly kind: 'open' | 'write' | 'kill' | 'close' | 'crash' | 'freeze' | 'hang' | 'thaw' | 'reload'
      readonly tab: number
    }
  | { readonly kind: 'register' | 'cache' | 'return'; readonly tab: number }
  /** Away and back in one go, as when a worker thaws that had been told of both, so many turns into writes of others. */
  | { readonly kind: 'bounce'; readonly tab: number; readonly turns: number }
  /** Who has the files sleeps, and the tab writes and registers for longer than calls wait. */
  | { readonly kind: 'starve'; readonly tab: number }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('write', 'write', 'write', 'register'),
      tab: fc.nat(3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('bounce' as const), tab: fc.nat(3), turns: fc.nat(11) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('starve' as const), tab: fc.nat(3) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'open',
        'kill',
        'close',
        'crash',
        'freeze',
        'thaw',
        'hang',
        'thaw',
        'reload',
        'cache',
        'return',
      ),
      tab: fc.nat(3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(0, 1, 30, 600, 4_000),
    }),
  },
)

/** How often a worker may fail: pages give up after the third time in a row. */
const MOST_FAILURES = 2

/** Longer than calls wait. */
const STARVED_MS = 33_000

/** How many there are to begin with. */
const tabs = fc.integer({ min: 1, max: 3 })

interface Write {
  readonly path: string
  /** `refused`: certainly not made, and not made later. */
  outcome: 'open' | 'durable' | 'failed' | 'refused'
}

/** A tab, and what its page has been told: each path once, however its leaders came and went. */
interface Subject {
  readonly tab: WorldTab
  readonly told: Map<string, number>
  /** The ops that it was told of. */
  readonly ops: string[]
  readonly registered: Registered[]
  failures: number
}

/** One of each kind of registration, made at any time, and what it was told of the last write of all. */
interface Registered {
  readonly on: unknown[]
  readonly watch: unknown[]
  readonly live: unknown[]
  readonly status: unknown[]
}

const LAST = 'last'

function register({ dust }: WorldTab): Registered {
  const told: Registered = { on: [], watch: [], live: [], status: [] }
  dust.on(STORE, LAST, ({ value }) => void told.on.push(value))
  dust.watch(STORE, LAST, ({ value }) => void told.watch.push(value))
  dust.live(STORE, LAST, ({ nodes }) => void told.live.push(nodes[0]?.value))
  dust.onStatus(STORE, ({ connection }) => void told.status.push(connection))
  return told
}

/** What a call says that was given up before anybody could have run it. */
function isCertain({ message }: Error): boolean {
  return /No tab could serve|still has the files/.test(message) && !message.includes('may have been made')
}

async function run(world: TabWorld, tabs: number, steps: readonly Step[]): Promise<void> {
  const writes: Write[] = []
  let subjects: Subject[] = []

  const open = (): void => {
    const subject: Subject = { tab: world.open(), told: new Map(), ops: [], registered: [], failures: 0 }
    subject.tab.dust.watch(STORE, 'k/*', (event: WatchEvent) => {
      const { told, ops } = subject
      if (event.type === 'present' || !told.has(event.path))
        told.set(event.path, (told.get(event.path) ?? 0) + 1)
      // What is told after a change of leaders, to make up for what may be missing, names no op.
      if (event.type === 'change' && event.clientOpId) ops.push(event.clientOpId)
    })
    subjects.push(subject)
  }

  const write = ({ tab }: Subject): void => {
    const made: Write = { path: `k/${writes.length}`, outcome: 'open' }
    writes.push(made)
    tab.dust.increment(STORE, made.path).then(
      () => {
        made.outcome = 'durable'
      },
      (error: Error) => {
        made.outcome = isCertain(error) ? 'refused' : 'failed'
      },
    )
  }

  const bounce = async ({ tab }: Subject, turns: number): Promise<void> => {
    const others = subjects.filter((other) => other.tab !== tab)
    for (const other of others) write(other)
    for (let i = 0; i < turns; i++) await Promise.resolve()
    void tab.tab.leave()
    tab.tab.enter()
    for (let i = 0; i < 5; i++) {
      for (const other of others) write(other)
      await world.pass(1)
    }
  }

  const starve = async (subject: Subject): Promise<void> => {
    const owner = subjects.find(({ tab }) => tab.ownsFiles)
    if (!owner || owner === subject) return
    owner.tab.asleep = true
    write(subject)
    subject.registered.push(register(subject.tab))
    await world.pass(STARVED_MS)
  }

  const perform = async (step: Step): Promise<void> => {
    if (step.kind === 'pass') return world.pass(step.ms)
    const subject = subjects[step.tab % Math.max(subjects.length, 1)]
    if (step.kind === 'open') return subjects.length < 4 ? open() : undefined
    if (!subject) return
    const { tab } = subject
    if (step.kind === 'crash' || step.kind === 'hang') {
      if (subject.failures === MOST_FAILURES) return
      subject.failures += 1
    }
    const remove = (): void => {
      subjects = subjects.filter((other) => other !== subject)
    }
    switch (step.kind) {
      case 'write':
        return write(subject)
      case 'register':
        return void subject.registered.push(register(tab))
      case 'bounce':
        return tab.asleep ? undefined : bounce(subject, step.turns)
      case 'starve':
        return tab.asleep ? undefined : starve(subject)
      case 'kill':
        remove()
        return tab.kill()
      case 'reload':
        remove()
        tab.kill()
        return open()
      case 'close':
        if (tab.asleep) return
        remove()
        return void tab.dust.close()
      case 'crash':
        return tab.asleep ? undefined : tab.crash()
      case 'freeze':
        tab.asleep = true
        return
      case 'hang':
        tab.hung = true
        return
      case 'thaw':
        tab.asleep = false
        return
      case 'cache':
        return tab.asleep ? undefined : void tab.tab.leave()
      case 'return':
        return tab.asleep ? undefined : tab.tab.enter()
    }
  }

  for (let i = 0; i < tabs; i++) open()
  for (const one of steps) await perform(one)

  // However it stands now: when all tabs are awake and there, everything settles.
  for (const { tab } of subjects) {
    tab.asleep = false
    tab.tab.enter()
  }
  open()
  const last = subjects.at(-1) as Subject
  await world.outcome(Promise.all(subjects.map(({ tab }) => tab.dust.get(STORE, 'k'))))
  await world.outcome(last.tab.dust.synced(STORE))
  const counts = ((await world.outcome(last.tab.dust.get(STORE, 'k'))) ?? {}) as { [number: string]: number }

  expect(subjects.filter(({ tab }) => tab.leading)).toHaveLength(1)
  for (const { path, outcome } of writes) {
    const count = counts[path.slice(2)] ?? 0
    expect(count, `${path} must not be counted twice`).toBeLessThanOrEqual(1)
    if (outcome === 'durable') expect(count, `${path} was acknowledged`).toBe(1)
    if (outcome === 'refused') expect(count, `${path} was given up`).toBe(0)
  }
  const there = Object.keys(counts).map((number) => `k/${number}`)
  for (const { told, ops } of subjects) {
    await world.until(() => there.every((path) => told.has(path)))
    for (const path of there) expect(told.get(path), `${path} is told as new once`).toBe(1)
    expect(ops, 'no op is told twice').toHaveLength(new Set(ops).size)
  }

  // Whatever was registered, whenever: it lives. Leaders have had the time to notice who is gone.
  await world.pass(3_000)
  await world.outcome(last.tab.dust.put(STORE, LAST, 1).committed)
  for (const { registered } of subjects) {
    for (const { on, watch, live, status } of registered) {
      await world.until(() => [on, watch, live].every((told) => told.includes(1)))
      await world.until(() => status.at(-1) === 'live')
      expect([on, watch]).toEqual([[1], [1]])
    }
  }
}

test('tabs come, freeze, crash, reload and go in any order: no write is lost or doubled, nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(tabs, fc.array(step, { minLength: 1, maxLength: 25 }), async (tabs, steps) => {
      const world = createTabWorld()
      try {
        await run(world, tabs, steps)
      } finally {
        world.dispose()
      }
    }),
    { numRuns: Number(process.env.DUST_TAB_RUNS ?? 60) },
  )
}, 600_000)
