import { StorageError } from '@dustlayer/protocol'
import { openReplica, type Replica, type Salvage } from '@dustlayer/replica'
import init from '@sqlite.org/sqlite-wasm'
import { beforeEach, describe, expect, it } from 'vitest'
import { type BlockDisk, createBlockDisk } from '../test-support/memory-blocks.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'
import { BLOCK_BYTES } from './blocks.js'
import type { DatabaseFiles } from './database-files.js'
import { createKeeper, type Keeper } from './keeper.js'
import { createLedger, type LedgerRecord } from './ledger.js'
import type { StorageFault, StoreDatabase } from './storage.js'

const sqlite3 = await init()
const STORE = 'acme/app'
const NOW = 1_700_000_000_000

/** What outlives a worker, and what outlives a reign of it. */
let disk: BlockDisk
let records: Map<string, LedgerRecord>
let salvaged: Map<string, Salvage>

beforeEach(() => {
  disk = createBlockDisk()
  records = new Map()
  salvaged = new Map()
})

interface Life {
  readonly keeper: Keeper
  readonly faults: readonly StorageFault[]
  ioError: Error | undefined
}

async function begin(
  change: (files: DatabaseFiles) => DatabaseFiles = (files) => files,
  leftBehind?: DatabaseFiles,
): Promise<Life> {
  const { files } = await openBlocksForTest(sqlite3, disk)
  const faults: StorageFault[] = []
  let ids = 0
  const life: Life = {
    ioError: undefined,
    faults,
    keeper: await createKeeper({
      files: change(files),
      reason: undefined,
      leftBehind,
      mirror: undefined,
      ledger: createLedger({
        records: [...records],
        read: async () => [...records],
        write: async (store, record) => void records.set(store, record),
      }),
      salvaged,
      now: () => NOW,
      newId: () => `generation-${++ids}-${Math.random()}`,
      persisted: async () => false,
      room: async () => ({ usage: 10, quota: 20 }),
      takeIoError: () => life.ioError,
      onFault: (fault) => faults.push(fault),
    }),
  }
  return life
}

const openOn = ({ driver }: StoreDatabase): Replica =>
  openReplica({ driver, store: STORE, deviceId: 'me', now: () => NOW })

const write = (replica: Replica, opId: string): void =>
  replica.write({ op: 'set', path: `own/${opId}`, value: opId.repeat(50), opId })

/** A worker that wrote so many ops and ended well. The confirmed entries come behind the outbox in the file. */
async function fill(ops: number, entries = 200): Promise<void> {
  const { keeper } = await begin()
  const database = await keeper.open(STORE)
  const replica = openOn(database)
  for (let i = 0; i < ops; i++) write(replica, `op${i}`)
  replica.sync.applySnapshot(
    entries,
    Array.from({ length: entries }, (_, i) => ({
      path: `theirs/${String(i).padStart(5, '0')}`,
      value: 'x'.repeat(400),
      type: 'string' as const,
      seq: i + 1,
    })),
  )
  await database.durable()
  replica.close()
  await keeper.close()
}

const garbage = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xa5)
const size = async (name = 'acme%2Fapp') => (await disk.open().load(name))?.size ?? 0

describe('a sound database', () => {
  it('is opened as it is, again and again, and nothing is told', async () => {
    await fill(3)
    const { keeper } = await begin()
    const database = await keeper.open(STORE)
    expect(database.info()).toEqual({ kind: 'indexeddb', persisted: false })
    expect(openOn(database).pending().count).toBe(3)
    expect(keeper.stores()).toEqual([STORE])
  })

  it('of a newer version is left alone', async () => {
    const { keeper } = await begin()
    const { driver, durable } = await keeper.open(STORE)
    driver.exec('drop table settled; pragma user_version = 99')
    await durable()
    driver.close()
    const again = await (await begin()).keeper.open(STORE)
    expect(() => openOn(again)).toThrow('newer version')
    expect(again.info().recovered).toBeUndefined()
  })
})

describe('a damaged database', () => {
  it('that is none any more is set aside until the new one is complete, and the app is told', async () => {
    await fill(3)
    disk.damage('acme%2Fapp', 0, garbage(await size()))
    const { keeper } = await begin()
    const database = await keeper.open(STORE)
    expect(database.info().recovered).toEqual({
      at: NOW,
      reason: 'damaged',
      detail: expect.stringContaining('not a database'),
      rescued: 0,
      complete: false,
    })
    expect(openOn(database).sync.cursor()).toBe(0)
    expect(disk.names()).toEqual(['acme%2Fapp', 'acme%2Fapp@2'])
    database.complete()
    await new Promise(setImmediate)
    expect(disk.names()).toEqual(['acme%2Fapp@2'])
    expect(keeper.stores()).toEqual([STORE])
    database.driver.close()
    // It is told in later lives, too.
    expect((await (await begin()).keeper.open(STORE)).info().recovered).toMatchObject({ at: NOW })
  })

  it('gives its pending writes, wherever it is damaged, unless that is where they are', async () => {
    let complete = 0
    await fill(5)
    const pages = Math.ceil((await size()) / BLOCK_BYTES)
    for (let page = 0; page < pages; page++) {
      disk = createBlockDisk()
      records.clear()
      salvaged.clear()
      await fill(5)
      disk.damage('acme%2Fapp', page * BLOCK_BYTES, garbage(BLOCK_BYTES))
      const { keeper } = await begin((files) => ({
        ...files,
        open: async (name) => ({ ...(await files.open(name)), unclean: true }),
      }))
      const database = await keeper.open(STORE)
      const { recovered } = database.info()
      const { count } = openOn(database).pending()
      if (recovered?.complete || !recovered) {
        expect(count).toBe(5)
        complete += 1
      }
      expect(openOn(database).check().ok).toBe(true)
      database.driver.close()
    }
    // Only the header, the schema and the outbox itself cannot be missed.
    expect(complete).toBeGreaterThan(pages / 2)
  })

  it('that is cut off gives what is in the part that is left', async () => {
    await fill(5, 2_000)
    const blocks = disk.open()
    const stored = await blocks.load('acme%2Fapp')
    if (!stored) throw new Error('nothing stored')
    await blocks.commit('acme%2Fapp', {
      size: Math.floor(stored.size / 2 / BLOCK_BYTES) * BLOCK_BYTES,
      blocks: new Map(),
    })
    const database = await (await begin()).keeper.open(STORE)
    expect(database.info().recovered).toMatchObject({ reason: 'damaged', rescued: 5, complete: true })
    expect(openOn(database).pending().count).toBe(5)
  })

  it('is recovered again when that was interrupted', async () => {
    await fill(4)
    disk.damage('acme%2Fapp', (await size()) - BLOCK_BYTES, garbage(BLOCK_BYTES))
    records.set(STORE, {
      ...(records.get(STORE) as LedgerRecord),
      suspect: { name: 'acme%2Fapp', damaged: true, detail: 'seen' },
    })
    await disk.open().commit('acme%2Fapp@2', { size: 0, blocks: new Map() })
    const database = await (await begin()).keeper.open(STORE)
    expect(database.info().recovered).toMatchObject({ reason: 'damaged', rescued: 4 })
    expect(openOn(database).pending().count).toBe(4)
  })

  it('that shows so while it is open makes the storage fail once, and the next one begins with what was in memory', async () => {
    await fill(2)
    const first = await begin()
    const database = await first.keeper.open(STORE)
    const replica = openOn(database)
    write(replica, 'just')
    await database.durable()
    const corrupt = Object.assign(new Error('database disk image is malformed'), { resultCode: 11 })
    const failing = () =>
      database.driver.transaction(() => {
        throw corrupt
      })
    expect(failing).toThrow(corrupt)
    expect(failing).toThrow(corrupt)
    expect(first.faults).toEqual([{ kind: 'damaged', error: corrupt }])
    replica.close()
    await first.keeper.close()

    const second = await begin()
    const again = await second.keeper.open(STORE)
    expect(again.info().recovered).toMatchObject({
      reason: 'damaged',
      detail: 'database disk image is malformed',
      rescued: 3,
      complete: true,
    })
    expect(
      openOn(again)
        .export()
        .outbox.map(({ opId }) => opId),
    ).toEqual(['op0', 'op1', 'just'])
    again.driver.close()
    // The accusation is settled.
    const third = await (await begin()).keeper.open(STORE)
    expect(openOn(third).pending().count).toBe(3)
    expect(disk.names()).toEqual(['acme%2Fapp', 'acme%2Fapp@2'])
  })

  it('a handle that failed is looked at thoroughly, and used on when the file is whole', async () => {
    await fill(2)
    const first = await begin()
    const database = await first.keeper.open(STORE)
    const failing = () =>
      database.driver.transaction(() => {
        throw Object.assign(new Error('disk I/O error'), { resultCode: 10 })
      })
    expect(failing).toThrow('disk I/O')
    expect(first.faults.map(({ kind }) => kind)).toEqual(['broken'])
    database.driver.close()
    await first.keeper.close()
    expect(records.get(STORE)?.suspect).toMatchObject({ damaged: false })
    const again = await (await begin()).keeper.open(STORE)
    expect(again.info().recovered).toBeUndefined()
    expect(openOn(again).pending().count).toBe(2)
    expect(records.get(STORE)?.suspect).toBeNull()
  })
})

describe('a database that is gone', () => {
  it('is told as evicted when it is known to have been here', async () => {
    await fill(2)
    disk = createBlockDisk()
    const database = await (await begin()).keeper.open(STORE)
    expect(database.info().recovered).toMatchObject({ reason: 'evicted', rescued: 0, complete: false })
  })

  it('is told as evicted when it is there and empty', async () => {
    await fill(2)
    await disk.open().commit('acme%2Fapp', { size: 0, blocks: new Map() })
    const database = await (await begin()).keeper.open(STORE)
    expect(database.info().recovered).toMatchObject({ reason: 'evicted', rescued: 0 })
  })

  it('while it is open loses nothing that was written here', async () => {
    await fill(2)
    const first = await begin()
    const database = await first.keeper.open(STORE)
    const replica = openOn(database)
    write(replica, 'late')
    await database.durable()
    disk = createBlockDisk()
    records.clear()
    first.keeper.fail({ kind: 'evicted', error: new Error('gone') })
    replica.close()
    await first.keeper.close()
    const again = await (await begin()).keeper.open(STORE)
    expect(again.info().recovered).toMatchObject({ reason: 'evicted', rescued: 3, complete: true })
    expect(openOn(again).get('own/late')).toBe('late'.repeat(50))
  })
})

it('what was written while only a lower rung could be had is taken over, once', async () => {
  await fill(2)
  const lower = disk
  disk = createBlockDisk()
  const first = await begin()
  const before = await first.keeper.open(STORE)
  const replica = openOn(before)
  write(replica, 'earlier')
  await before.durable()
  replica.close()
  await first.keeper.close()

  const { files } = await openBlocksForTest(sqlite3, lower)
  const second = await begin(undefined, files)
  expect(second.keeper.stores()).toEqual([STORE])
  const after = openOn(await second.keeper.open(STORE))
  expect(after.export().outbox.map(({ opId }) => opId)).toEqual(['earlier', 'op0', 'op1'])
  expect(lower.names()).toEqual([])
})

describe('no room', () => {
  it('refuses the write with what the browser tells of the room', async () => {
    const life = await begin()
    const database = await life.keeper.open(STORE)
    life.ioError = Object.assign(new Error('No space available'), { name: 'QuotaExceededError' })
    const error = Object.assign(new Error('disk I/O error'), { resultCode: 778 })
    expect(await database.explain(error)).toMatchObject({
      name: 'StorageError',
      code: 'quota_exceeded',
      fields: { store: STORE, usage: 10, quota: 20 },
    })
    expect(life.faults).toEqual([])
  })

  it('says at once that what the server sends does not fit, and the next time with what the browser tells', async () => {
    const life = await begin()
    const database = await life.keeper.open(STORE)
    const full = (): Error => Object.assign(new Error('database or disk is full'), { resultCode: 13 })
    expect(database.noRoom(full())).toMatchObject({ code: 'quota_exceeded', fields: { usage: null } })
    await new Promise(setImmediate)
    expect(database.noRoom(full())).toMatchObject({
      name: 'StorageError',
      code: 'quota_exceeded',
      fields: { store: STORE, usage: 10, quota: 20 },
    })
    expect(database.noRoom(new Error('another'))).toBe(undefined)
    expect(life.faults).toEqual([])
  })

  it('gives up the reserve once, for the errors that it helps against', async () => {
    let reserve = true
    const life = await begin((files) => ({
      ...files,
      makeRoom() {
        const had = reserve
        reserve = false
        return had
      },
    }))
    const database = await life.keeper.open(STORE)
    expect(database.makeRoom(new Error('something else'))).toBe(false)
    const full = Object.assign(new Error('database or disk is full'), { resultCode: 13 })
    expect(database.makeRoom(full)).toBe(true)
    expect(database.makeRoom(full)).toBe(false)
  })

  it('a write that could not be stored does not come back', async () => {
    await fill(1)
    const { files, faults } = await openBlocksForTest(sqlite3, disk)
    const { keeper } = await begin(() => files)
    const database = await keeper.open(STORE)
    const replica = openOn(database)
    disk.failure = new Error('full')
    write(replica, 'refused')
    await expect(database.durable()).rejects.toThrow(StorageError)
    const [fault] = faults
    if (!fault) throw new Error('no fault')
    keeper.fail(fault)
    replica.close()
    await keeper.close()
    disk.failure = undefined
    const again = await (await begin()).keeper.open(STORE)
    expect(
      openOn(again)
        .export()
        .outbox.map(({ opId }) => opId),
    ).toEqual(['op0'])
  })
})
