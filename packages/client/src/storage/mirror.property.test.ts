import { openReplica, type Replica, restoreReplica, type SqliteDriver } from '@dustlayer/replica'
import { createRun, type Draft, openBetterSqlite, type Step } from '@dustlayer/replica/testing'
import { createFakeTime } from '@dustlayer/sync/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMirrorDisk } from '../test-support/memory-mirror.js'
import { createMirror } from './mirror.js'
import { MIRROR_AFTER_MS, type StoreMirror } from './store-mirror.js'

const STORE = 'o/s'

/** From when something has to be mirrored until it is. */
const SLACK_MS = 20

const leaf = fc.constantFrom<Draft['value']>(1, 'x', null)
const path = fc.constantFrom('a', 'b', 'a/b')
const draft: fc.Arbitrary<Draft> = fc.oneof(
  fc.record({ op: fc.constant('set' as const), path, value: leaf, cas: fc.boolean() }),
  fc.record({ op: fc.constant('increment' as const), path: fc.constant('n'), value: fc.constant(1) }),
)
/** As when somebody types. */
const typed: fc.Arbitrary<Draft> = fc.record({
  op: fc.constant('set' as const),
  path: fc.constant('text'),
  value: fc.string(),
})

type Event =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'failing'; readonly failing: boolean }
  /** The worker ends, well or not; what has the files then goes on, unless they are lost. */
  | { readonly kind: 'end'; readonly closed: boolean; readonly lost: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), draft: fc.oneof(draft, typed) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      drafts: fc.array(draft, { minLength: 1, maxLength: 20 }),
      separate: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      refuse: fc.integer({ min: 0, max: 5 }).map((drawn) => drawn === 0),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      again: fc.constant(0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('rollback' as const, 'retryRefused' as const, 'dropRefused' as const),
    }),
  },
)

const eventOf = ({ failures }: { failures: boolean }): fc.Arbitrary<Event> =>
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ kind: fc.constant('step' as const), step }) },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 700 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('end' as const), closed: fc.boolean(), lost: fc.boolean() }),
    },
    ...(failures
      ? [
          {
            weight: 1,
            arbitrary: fc.record({ kind: fc.constant('failing' as const), failing: fc.boolean() }),
          },
        ]
      : []),
  )

/** The ops that a replica has pending, without what differs from one database to the next. */
const pendingIn = (replica: Replica) =>
  replica.export().outbox.map(({ opId, path, value }) => ({ opId, path, value }))

/** One client whose database can be lost, with the mirror of its outbox. */
async function createClient() {
  const time = createFakeTime()
  const disk = createMirrorDisk()
  let driver = openBetterSqlite()
  /** The same object through all databases. */
  const door: SqliteDriver = {
    exec: (sql) => driver.exec(sql),
    run: (sql, params) => driver.run(sql, params),
    all: (sql, params) => driver.all(sql, params),
    transaction: (body) => driver.transaction(body),
    close: () => undefined,
  }
  /** Since when each op is pending, and until when it was. */
  const since = new Map<string, number>()
  const until = new Map<string, number>()
  /** How many ops each batch was issued with. */
  const sizes = new Map<unknown, number>()
  let second: StoreMirror | undefined
  let epoch = 0
  let generation = 0
  /** Since when the present leader leads. */
  let leading = 0

  const run = createRun({
    batches: true,
    driver: door,
    opened: (replica) => void replica.onPrecious((change) => second?.changed(change)),
  })

  const look = (): void => {
    const pending = new Set(
      run
        .replica()
        .export()
        .outbox.map(({ opId }) => opId),
    )
    for (const opId of pending) if (!since.has(opId)) since.set(opId, time.now)
    for (const [id, size] of door.all('select batch_id, count(*) from outbox group by batch_id'))
      if (!sizes.has(id)) sizes.set(id, Number(size))
    for (const opId of since.keys()) if (!pending.has(opId) && !until.has(opId)) until.set(opId, time.now)
  }

  const lead = async (): Promise<void> => {
    leading = time.now
    const mirror = createMirror(disk.open(++epoch), time.clock())
    const at = generation
    second = mirror.follow(STORE, door, () => String(at))
  }
  await lead()

  return {
    run,
    disk,
    time,
    since,
    until,
    sizes,
    look,
    lead,
    /** The moment, or the beginning of the present leader if that was later. */
    underLeader: (at = time.now): number => Math.max(at, leading),
    async end(closed: boolean): Promise<void> {
      second?.close(closed)
      if (closed) for (let turn = 0; turn < 10; turn++) await time.advanceAsync(0)
    },
    /** What the next leader begins with. */
    async rescue(): Promise<SqliteDriver> {
      const mirrored = await createMirror(disk.open(++epoch), time.clock()).read(STORE)
      const fresh = openBetterSqlite()
      restoreReplica(fresh, STORE, mirrored ? [await mirrored.salvage()] : [])
      return fresh
    },
    async replace(fresh: SqliteDriver): Promise<void> {
      driver = fresh
      generation += 1
    },
  }
}

type Client = Awaited<ReturnType<typeof createClient>>

async function happen({ run, time, look, disk }: Client, event: Event): Promise<void> {
  if (event.kind === 'step') run.perform(event.step)
  if (event.kind === 'pass') {
    await time.advanceAsync(event.ms)
    for (let turn = 0; turn < 10; turn++) await time.advanceAsync(0)
  }
  if (event.kind === 'failing') disk.failure = event.failing ? new Error('full') : undefined
  look()
}

it('what is rescued is what was pending, but for the last moments: in order, nothing twice, batches whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(eventOf({ failures: false }), { maxLength: 60 }),
      fc.boolean(),
      async (events, closed) => {
        const client = await createClient()
        const { run, time, since, until } = client
        for (const event of events) {
          if (event.kind !== 'end') await happen(client, event)
          else {
            await client.end(event.closed)
            run.perform({ kind: 'restart' })
            await client.lead()
          }
        }
        await client.end(closed)
        client.look()
        const lastMoments = time.now - MIRROR_AFTER_MS - SLACK_MS
        const pending = pendingIn(run.replica())
        const driver = await client.rescue()
        const replica = openReplica({ driver, store: STORE, deviceId: 'd', now: () => 1 })
        const rescued = pendingIn(replica)
        if (closed) expect(rescued).toEqual(pending)

        const ids = rescued.map(({ opId }) => opId)
        for (const op of pending)
          if (client.underLeader(since.get(op.opId)) < lastMoments) expect(rescued).toContainEqual(op)
        for (const opId of ids)
          expect(client.underLeader(until.get(opId))).toBeGreaterThanOrEqual(lastMoments)
        expect(new Set(ids).size).toBe(ids.length)
        const order = new Map(run.issued.map(({ opId }, i) => [opId, i]))
        const places = ids.map((opId) => order.get(opId) ?? expect.fail())
        expect(places).toEqual(places.toSorted((a, b) => a - b))
        for (const { batch } of replica.sync.outbox(0, 1_000))
          if (batch) expect(batch.size).toBe(client.sizes.get(batch.id))
        expect(replica.check()).toMatchObject({ ok: true, problemCount: 0 })
      },
    ),
    { numRuns: 500 },
  )
})

it('whatever is lost when, no op takes effect twice, and those that were rescued take effect', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(eventOf({ failures: true }), { maxLength: 80 }), async (events) => {
      const client = await createClient()
      const { run } = client
      const lost = new Set<string>()
      for (const event of events) {
        if (event.kind !== 'end') {
          await happen(client, event)
          continue
        }
        await client.end(event.closed)
        client.disk.failure = undefined
        if (event.lost) {
          const before = run.replica().export().outbox
          const fresh = await client.rescue()
          await client.replace(fresh)
          const rescued = new Set(fresh.all('select op_id from outbox').flat())
          for (const { opId } of before) if (!rescued.has(opId)) lost.add(opId)
        }
        run.perform({ kind: 'restart' })
        await client.lead()
      }
      run.settle()
      const { log } = run.world
      const own = log.map(({ opId }) => opId)
      expect(new Set(own).size).toBe(own.length)
      expect(run.replica().pending().count).toBe(0)
      const counted = log.filter(({ op }) => op === 'increment').length
      expect(run.replica().get('n') ?? 0).toBe(counted)
      const refused = new Set(
        run.verdicts.filter(([, { state }]) => state === 'rejected').map(([opId]) => opId),
      )
      for (const { op, opId } of run.issued)
        if (op === 'increment' && !lost.has(opId) && !refused.has(opId)) expect(own).toContain(opId)
    }),
    { numRuns: 200 },
  )
})
