import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Replica } from '@dustlayer/replica'
import init from '@sqlite.org/sqlite-wasm'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  beginKeeperLife,
  KEPT_NAME,
  KEPT_STORE,
  type KeeperWorld,
  openKept,
  outlive,
} from '../test-support/keeper-life.js'
import { type BlockDisk, createBlockDisk } from '../test-support/memory-blocks.js'
import { copyAsItIs, filesOf, openNodeFiles } from '../test-support/node-files.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'
import type { LedgerRecord, Recovery } from './ledger.js'

/** How many damaged databases each of the tests opens. */
const RUNS = Number(process.env.DUST_DAMAGE_RUNS ?? 100)
vi.setConfig({ testTimeout: 60_000 + RUNS * 500 })

const sqlite3 = await init()
const OPS = 20
const ENTRIES = 60

/** What happened to the bytes of a file: these were written at that place. */
interface Damage {
  readonly at: number
  readonly bytes: Uint8Array
}

const damageOf = (size: number): fc.Arbitrary<Damage> =>
  fc.record({
    at: fc.oneof(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 0, max: 4_095 })),
    bytes: fc.oneof(
      { weight: 3, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 1 }) },
      fc.uint8Array({ minLength: 2, maxLength: 48 }),
    ),
  })

const write = (replica: Replica, i: number): void =>
  replica.write({ op: 'set', path: `own/${i}`, value: `${i} of mine `.repeat(15), opId: `op-${i}` })

const snapshot = (seq: number) =>
  Array.from({ length: ENTRIES }, (_, i) => ({
    path: `theirs/${String(i).padStart(5, '0')}`,
    value: `entry ${i} `.repeat(12),
    type: 'string' as const,
    seq: seq - ENTRIES + i,
  }))

/** All that an app and the server do with a store. */
function use(replica: Replica, life: number): void {
  replica.read('own')
  replica.read('theirs')
  replica.rejections()
  replica.verdict('unknown')
  replica.sync.outbox(0, 1_000)
  replica.write({ op: 'set', path: 'new', value: life, opId: `new-${life}` })
  const seq = replica.sync.cursor() + 100
  replica.sync.stageBegin(seq, null)
  replica.sync.stageEntries(snapshot(seq), null)
  replica.sync.stageFinish(seq, { reset: false })
  replica.check()
  replica.export()
}

interface Survivors {
  /** What the store has of the ops that were pending, as text, by their ids. */
  readonly ops: ReadonlyMap<string, string>
  readonly recovered: Recovery | undefined
}

const textsOf = (replica: Replica): Map<string, string> =>
  new Map(
    replica
      .export()
      .outbox.filter(({ path }) => path !== 'new')
      .map((op) => [op.opId, [op.op, op.path, op.value].join()]),
  )

const survive = (world: KeeperWorld): Promise<Survivors> =>
  outlive(world, 4, async (database, replica, life) => {
    const ops = textsOf(replica)
    use(replica, life)
    await database.durable()
    return { ops, recovered: database.info().recovered }
  })

/** A store with the ops from `first` to `end`, and then entries of the server's; still open. */
async function fill(world: KeeperWorld, first: number, end: number, entries: boolean) {
  const { keeper } = await beginKeeperLife(world)
  const database = await keeper.open(KEPT_STORE)
  const replica = openKept(database)
  for (let i = first; i < end; i++) write(replica, i)
  if (entries) replica.sync.applySnapshot(ENTRIES, snapshot(ENTRIES))
  await database.durable()
  return {
    async end() {
      database.driver.close()
      await keeper.close()
    },
  }
}

const written = (i: number): [string, string] => [
  `op-${i}`,
  ['set', `own/${i}`, `${i} of mine `.repeat(15)].join(),
]
const everything = new Map(Array.from({ length: OPS }, (_, i) => written(i)))

/** Nothing is there that was not written, and what is missing is told. */
function expectHonest({ ops, recovered }: Survivors): void {
  for (const [opId, text] of ops) expect(text).toBe(everything.get(opId))
  if (ops.size < OPS) expect(recovered).toMatchObject({ reason: 'damaged', complete: false })
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dust-damage-'))
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

it('whatever byte of a database is damaged, its store opens, and what can be read of the outbox is there', async () => {
  const sound = createBlockDisk()
  const record = new Map<string, LedgerRecord>()
  const openFiles = async (disk: BlockDisk) => (await openBlocksForTest(sqlite3, disk)).files
  const filled = await fill(
    { openFiles: () => openFiles(sound), records: record, salvaged: new Map() },
    0,
    OPS,
    true,
  )
  await filled.end()
  const stored = await sound.open().load(KEPT_NAME)
  if (!stored) throw new Error('nothing stored')
  const bytes = Buffer.concat(
    Array.from({ length: stored.blocks.size }, (_, i) => stored.blocks.get(i) ?? expect.fail()),
  )
  const precious = preciousPages(bytes)
  const outcomes = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(damageOf(stored.size), async ({ at, bytes }) => {
      const disk = createBlockDisk()
      await disk.open().commit(KEPT_NAME, {
        size: stored.size,
        blocks: new Map(Array.from(stored.blocks, ([i, block]) => [i, block.slice()])),
      })
      disk.damage(KEPT_NAME, at, bytes)
      const survivors = await survive({
        openFiles: () => openFiles(disk),
        records: new Map(record),
        salvaged: new Map(),
      })
      expectHonest(survivors)
      if (!pagesOf(at, bytes.length).some((page) => precious.has(page)))
        expect(survivors.ops).toEqual(everything)
      const outcome = `${survivors.recovered ? 'recovered' : 'as it was'}, ${survivors.ops.size === OPS ? 'all' : 'some'} there`
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }),
    { numRuns: RUNS },
  )
  console.info(Object.fromEntries(outcomes))
})

/** As sqlite-wasm makes them. */
const PAGE_BYTES = 8_192

const pagesOf = (at: number, length: number): number[] =>
  [at, at + length - 1].map((byte) => Math.floor(byte / PAGE_BYTES))

/** The header with the schema, and the pages of the outbox, whose root is the third one: no others tell of it. */
function preciousPages(bytes: Buffer): ReadonlySet<number> {
  expect(bytes.readUInt16BE(16)).toBe(PAGE_BYTES)
  const pages = new Set([0, 2])
  for (let at = bytes.indexOf('own/'); at >= 0; at = bytes.indexOf('own/', at + 1))
    pages.add(pagesOf(at, 1)[0] ?? 0)
  return pages
}

it('whatever happens to the log of a database, its store opens with all that was in the database, in order', async () => {
  // What is in the database was there before the log began; what is in the log came later, op by op.
  const world = { openFiles: async () => openNodeFiles(directory), records: new Map(), salvaged: new Map() }
  await (await fill(world, 0, OPS / 2, true)).end()
  const running = await fill(world, OPS / 2, OPS, false)
  const dead = mkdtempSync(join(tmpdir(), 'dust-log-'))
  copyAsItIs(KEPT_NAME, directory, dead)
  await running.end()
  const { log } = filesOf(KEPT_NAME, dead)
  const size = readFileSync(log).length
  const cut = fc.record({ kind: fc.constant('cut' as const), at: fc.nat(size) })
  const damaged = damageOf(size).map((damage) => ({ kind: 'damage' as const, ...damage }))
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, damaged), async (event) => {
      const place = mkdtempSync(join(tmpdir(), 'dust-log-'))
      copyAsItIs(KEPT_NAME, dead, place)
      const path = filesOf(KEPT_NAME, place).log
      if (event.kind === 'cut') truncateSync(path, event.at)
      else {
        const bytes = readFileSync(path)
        bytes.set(event.bytes.subarray(0, size - event.at), event.at)
        writeFileSync(path, bytes)
      }
      const { ops } = await survive({
        openFiles: async () => openNodeFiles(place),
        records: new Map(world.records),
        salvaged: new Map(),
      })
      expect(ops.size).toBeGreaterThanOrEqual(OPS / 2)
      expect([...ops]).toEqual([...everything].slice(0, ops.size))
      rmSync(place, { recursive: true })
    }),
    { numRuns: RUNS },
  )
  rmSync(dead, { recursive: true })
})

it('whatever bytes of a database with a log are damaged, its store opens, and nothing is invented', async () => {
  const world = { openFiles: async () => openNodeFiles(directory), records: new Map(), salvaged: new Map() }
  await (await fill(world, 0, OPS / 2, true)).end()
  const running = await fill(world, OPS / 2, OPS, false)
  const dead = mkdtempSync(join(tmpdir(), 'dust-log-'))
  copyAsItIs(KEPT_NAME, directory, dead)
  await running.end()
  const size = readFileSync(filesOf(KEPT_NAME, dead).database).length
  await fc.assert(
    fc.asyncProperty(fc.array(damageOf(size), { minLength: 1, maxLength: 3 }), async (damages) => {
      const place = mkdtempSync(join(tmpdir(), 'dust-log-'))
      copyAsItIs(KEPT_NAME, dead, place)
      const path = filesOf(KEPT_NAME, place).database
      const bytes = readFileSync(path)
      for (const { at, bytes: written } of damages) bytes.set(written.subarray(0, size - at), at)
      writeFileSync(path, bytes)
      expectHonest(
        await survive({
          openFiles: async () => openNodeFiles(place),
          records: new Map(world.records),
          salvaged: new Map(),
        }),
      )
      rmSync(place, { recursive: true })
    }),
    { numRuns: RUNS },
  )
  rmSync(dead, { recursive: true })
})
