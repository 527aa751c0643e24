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
  | { readonly kind: 'cache' | 'return'; readonly tab: number }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), tab: fc.nat(3) }) },
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
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 30, 600, 4_000) }),
  },
)

interface Write {
  readonly path: string
  outcome: 'open' | 'durable' | 'failed'
}

/** A tab, and what its page has been told: each path once, however its leaders came and went. */
interface Subject {
  readonly tab: WorldTab
  readonly told: Map<string, number>
}

async function run(world: TabWorld, steps: readonly Step[]): Promise<void> {
  const writes: Write[] = []
  let subjects: Subject[] = []

  const open = (): void => {
    const subject: Subject = { tab: world.open(), told: new Map() }
    subject.tab.dust.watch(STORE, '**', ({ path, type }: WatchEvent) => {
      if (type === 'present' || !subject.told.has(path))
        subject.told.set(path, (subject.told.get(path) ?? 0) + 1)
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
      () => {
        made.outcome = 'failed'
      },
    )
  }

  const perform = async (step: Step): Promise<void> => {
    if (step.kind === 'pass') return world.pass(step.ms)
    const subject = subjects[step.tab % Math.max(subjects.length, 1)]
    if (step.kind === 'open') return subjects.length < 4 ? open() : undefined
    if (!subject) return
    const { tab } = subject
    const remove = (): void => {
      subjects = subjects.filter((other) => other !== subject)
    }
    switch (step.kind) {
      case 'write':
        return write(subject)
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

  open()
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
  }
  const there = Object.keys(counts).map((number) => `k/${number}`)
  for (const { told } of subjects) {
    await world.until(() => there.every((path) => told.has(path)))
    for (const path of there) expect(told.get(path), `${path} is told as new once`).toBe(1)
  }
}

test('tabs come, freeze, crash, reload and go in any order: no write is lost or doubled, nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const world = createTabWorld()
      try {
        await run(world, steps)
      } finally {
        world.dispose()
      }
    }),
    { numRuns: Number(process.env.DUST_TAB_RUNS ?? 60) },
  )
}, 600_000)
