import { openReplica, type Replica, type Salvage } from '@dustlayer/replica'
import { createFakeTime, type FakeTime } from '@dustlayer/sync/testing'
import init from '@sqlite.org/sqlite-wasm'
import { beforeEach, describe, expect, it } from 'vitest'
import { type BlockDisk, createBlockDisk } from '../test-support/memory-blocks.js'
import { createMirrorDisk, type MirrorDiskForTest } from '../test-support/memory-mirror.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'
import { createKeeper, type Keeper } from './keeper.js'
import { createLedger, type LedgerRecord } from './ledger.js'
import { createMirror } from './mirror.js'
import type { StoreDatabase } from './storage.js'
import { MIRROR_AFTER_MS } from './store-mirror.js'

const sqlite3 = await init()
const STORE = 'acme/app'
const FILE = 'acme%2Fapp'

let disk: BlockDisk
let mirrors: MirrorDiskForTest
let records: Map<string, LedgerRecord>
let salvaged: Map<string, Salvage>
let time: FakeTime
let epoch: number

beforeEach(() => {
  disk = createBlockDisk()
  mirrors = createMirrorDisk()
  records = new Map()
  salvaged = new Map()
  time = createFakeTime()
  epoch = 0
})

/** A leader whose files are blocks in memory, which stand for those of the pool. */
async function begin(): Promise<Keeper> {
  const { files } = await openBlocksForTest(sqlite3, disk)
  epoch += 1
  return createKeeper({
    files,
    reason: undefined,
    leftBehind: undefined,
    mirror: createMirror(mirrors.open(epoch), time.clock()),
    ledger: createLedger({
      records: [...records],
      read: async () => [...records],
      write: async (store, record) => void records.set(store, record),
    }),
    salvaged,
    now: () => time.now,
    newId: () => `generation-${epoch}-${Math.random()}`,
    persisted: async () => false,
    room: async () => ({ usage: 10, quota: 20 }),
    takeIoError: () => undefined,
    onFault: () => undefined,
  })
}

interface Life {
  readonly keeper: Keeper
  readonly database: StoreDatabase
  readonly replica: Replica
}

async function openStore(): Promise<Life> {
  const keeper = await begin()
  const database = await keeper.open(STORE)
  const replica = openReplica({ driver: database.driver, store: STORE, deviceId: 'me', now: () => 1 })
  replica.onPrecious(database.preciousChanged)
  return { keeper, database, replica }
}

const add = (replica: Replica, ...opIds: string[]): void => {
  for (const opId of opIds) replica.write({ op: 'set', path: `own/${opId}`, value: opId.repeat(500), opId })
}

const accept = (replica: Replica, ...opIds: string[]): void => {
  for (const opId of opIds) replica.sync.ack(opId, null)
}

/** Long enough for what has been written to be mirrored. */
async function mirrored(): Promise<void> {
  await time.advanceAsync(2 * MIRROR_AFTER_MS)
  for (let turn = 0; turn < 10; turn++) await time.advanceAsync(0)
}

async function close({ keeper, replica }: Life): Promise<void> {
  replica.close()
  const closing = keeper.close()
  await time.advanceAsync(2_000)
  await closing
}

const opIds = ({ replica }: Life) => replica.export().outbox.map(({ opId }) => opId)

const garbage = (bytes: number) => new Uint8Array(bytes).fill(0xa5)

describe('a database that is gone', () => {
  it('begins with what the mirror has, in order, and is mirrored on', async () => {
    const first = await openStore()
    add(first.replica, 'a', 'b')
    await mirrored()
    add(first.replica, 'too young')
    // The worker is killed, and the files with it.
    disk = createBlockDisk()
    const second = await openStore()
    expect(opIds(second)).toEqual(['a', 'b'])
    expect(second.database.info().recovered).toEqual({
      at: time.now,
      reason: 'evicted',
      detail: 'the database is gone',
      rescued: 2,
      complete: false,
    })
    accept(second.replica, 'a')
    add(second.replica, 'c')
    await mirrored()
    disk = createBlockDisk()
    expect(opIds(await openStore())).toEqual(['b', 'c'])
  })

  it('has lost nothing when it was closed, and the app is told so', async () => {
    const first = await openStore()
    add(first.replica, 'a')
    await close(first)
    disk = createBlockDisk()
    const { database } = await openStore()
    expect(database.info().recovered).toMatchObject({ rescued: 1, complete: true })
  })

  it('is opened for the mirror alone, when the ledger is gone as well', async () => {
    const first = await openStore()
    add(first.replica, 'a')
    await mirrored()
    disk = createBlockDisk()
    records.clear()
    expect((await begin()).stores()).toEqual([STORE])
    const second = await openStore()
    expect(opIds(second)).toEqual(['a'])
    expect(second.database.info().recovered).toMatchObject({ reason: 'evicted', rescued: 1 })
  })

  it('of which nothing was pending begins with nothing', async () => {
    const first = await openStore()
    add(first.replica, 'a')
    await mirrored()
    accept(first.replica, 'a')
    await mirrored()
    disk = createBlockDisk()
    const second = await openStore()
    expect(opIds(second)).toEqual([])
    expect(second.database.info().recovered).toMatchObject({ rescued: 0, complete: false })
  })
})

describe('a damaged database', () => {
  it('is completed by the mirror, wherever it is damaged', async () => {
    const life = await openStore()
    const all = Array.from({ length: 60 }, (_, i) => `op${i}`)
    add(life.replica, ...all)
    accept(life.replica, 'op0', 'op1')
    await mirrored()
    accept(life.replica, 'op2', 'op59')
    await life.database.durable()
    const blocks = disk.open()
    const sound = await blocks.load(FILE)
    const ledger = new Map(records)
    const pages = Math.ceil((sound?.size ?? 0) / 8_192)
    expect(pages).toBeGreaterThan(5)
    for (let page = 0; page < pages; page++) {
      disk = createBlockDisk()
      salvaged.clear()
      records.clear()
      for (const [store, record] of ledger)
        records.set(store, { ...record, suspect: { name: FILE, damaged: true, detail: 'seen' } })
      await disk.open().commit(FILE, sound ?? expect.fail())
      disk.damage(FILE, page * 8_192, garbage(8_192))
      const again = await openStore()
      const left = opIds(again)
      // Settled after the mirror was written: resent only if nothing readable knows of it; the server knows the op id.
      expect(left.filter((opId) => opId !== 'op2' && opId !== 'op59')).toEqual(all.slice(3, 59))
      expect(again.replica.check()).toMatchObject({ ok: true, problemCount: 0 })
    }
  })

  it('that can be read whole is believed, not the mirror', async () => {
    const life = await openStore()
    add(life.replica, 'a', 'b')
    await mirrored()
    accept(life.replica, 'a')
    await life.database.durable()
    const record = records.get(STORE) ?? expect.fail()
    records.set(STORE, { ...record, suspect: { name: FILE, damaged: true, detail: 'seen' } })
    const again = await openStore()
    expect(opIds(again)).toEqual(['b'])
    expect(again.database.info().recovered).toMatchObject({ rescued: 1, complete: true })
  })
})

describe('a sound database', () => {
  it('does not take back what was settled right before a crash, and its mirror is put right', async () => {
    const life = await openStore()
    add(life.replica, 'a', 'b')
    await mirrored()
    accept(life.replica, 'a')
    await life.database.durable()
    const again = await openStore()
    expect(opIds(again)).toEqual(['b'])
    expect(again.database.info().recovered).toBeUndefined()
    await mirrored()
    expect(mirrors.pending(STORE)).toEqual(['own/b'])
  })

  it('that has lost its last transactions gets back what was pending, behind what it has', async () => {
    const life = await openStore()
    add(life.replica, 'a')
    await life.database.durable()
    const before = (await disk.open().load(FILE)) ?? expect.fail()
    add(life.replica, 'b', 'c')
    await mirrored()
    disk = createBlockDisk()
    await disk.open().commit(FILE, before)
    const again = await openStore()
    expect(opIds(again)).toEqual(['a', 'b', 'c'])
    expect(again.database.info().recovered).toMatchObject({
      reason: 'damaged',
      detail: 'the last transactions were lost',
      rescued: 2,
    })
  })

  it('is not asked to remember more than it can', async () => {
    const life = await openStore()
    add(life.replica, 'old')
    await mirrored()
    mirrors.failure = new Error('full')
    accept(life.replica, 'old')
    // So long ago that nobody knows its verdict any more.
    life.database.driver.run("update settled set position = position + 9000, op_id = 'another'")
    await life.database.durable()
    mirrors.failure = undefined
    const again = await openStore()
    expect(opIds(again)).toEqual([])
    await mirrored()
    expect(mirrors.pending(STORE)).toEqual([])
  })
})

it('the status tells when there is no second copy, and until when', async () => {
  const { database, replica } = await openStore()
  mirrors.failure = new Error('there is no room')
  add(replica, 'a')
  await mirrored()
  expect(database.info()).toMatchObject({ unmirrored: 'there is no room' })
  mirrors.failure = undefined
  await time.advanceAsync(5_000)
  expect(database.info()).not.toHaveProperty('unmirrored')
})

it('on a full disk the second copy gives way to the databases, until there is room', async () => {
  const life = await openStore()
  const { database, replica } = life
  add(replica, 'a', 'b')
  await mirrored()
  expect(mirrors.pending(STORE)).toEqual(['own/a', 'own/b'])
  database.makeRoom(Object.assign(new Error('full'), { name: 'QuotaExceededError' }))
  add(replica, 'c')
  await mirrored()
  expect(mirrors.pending(STORE)).toEqual([])
  expect(database.info()).toMatchObject({ unmirrored: 'the disk is full' })
  await close(life)

  // There is room again.
  expect(opIds(await openStore())).toEqual(['a', 'b', 'c'])
  await mirrored()
  expect(mirrors.pending(STORE)).toEqual(['own/a', 'own/b', 'own/c'])
})
