import { RejectedError } from '@dustlayer/protocol'
import {
  openReplica,
  type Replica,
  restoreReplica,
  type SqliteDriver,
  type SqlValue,
} from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { createFakeTime, type FakeTime } from '@dustlayer/sync/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMirrorDisk, type MirrorDiskForTest } from '../test-support/memory-mirror.js'
import { createMirror, type Mirror, openMirror } from './mirror.js'
import { MIRROR_AFTER_MS, type StoreMirror } from './store-mirror.js'

const STORE = 'acme/app'
/** Enough for a change to be mirrored when it is due. */
const A_WHILE = MIRROR_AFTER_MS + 10

let disk: MirrorDiskForTest
let time: FakeTime
let epoch: number

beforeEach(() => {
  disk = createMirrorDisk()
  time = createFakeTime()
  epoch = 0
})

/** Long enough for what is due, and what is read and stored for it. */
async function aWhile(): Promise<void> {
  await time.advanceAsync(A_WHILE)
  for (let turn = 0; turn < 10; turn++) await time.advanceAsync(0)
}

interface Life {
  readonly mirror: Mirror
  readonly replica: Replica
  readonly second: StoreMirror
  /** Ranges of the outbox that the mirror has read. */
  readonly reads: (readonly SqlValue[])[]
  close(sound?: boolean): Promise<void>
}

/** A leader that has the database open and follows it. */
async function lead(driver: SqliteDriver = openBetterSqlite(), generation = 'g'): Promise<Life> {
  const clock = time.clock()
  epoch += 1
  const mirror = createMirror(disk.open(epoch), clock)
  const reads: (readonly SqlValue[])[] = []
  const watched: SqliteDriver = {
    ...driver,
    all(sql, params) {
      if (/from outbox where position between/.test(sql)) reads.push(params ?? [])
      return driver.all(sql, params)
    },
  }
  const second = mirror.follow(STORE, watched, () => generation)
  const replica = openReplica({ driver, store: STORE, deviceId: 'me', now: () => 1 })
  replica.onPrecious(second.changed)
  return {
    mirror,
    replica,
    second,
    reads,
    async close(sound = true) {
      second.close(sound)
      const settled = mirror.settled()
      await time.advanceAsync(2_000)
      await settled
    },
  }
}

const put = (replica: Replica, path: string): void =>
  replica.write({ op: 'set', path, value: 'x', opId: `op-${path}` })

const accept = (replica: Replica, path: string): void => replica.sync.ack(`op-${path}`, null)

const read = () => createMirror(disk.open(++epoch), time.clock()).read(STORE)

const salvage = async () => (await read())?.salvage()

/** What a database that is begun with the mirror has pending. */
async function rescued(): Promise<string[]> {
  const mirrored = await read()
  const driver = openBetterSqlite()
  restoreReplica(driver, STORE, mirrored ? [await mirrored.salvage()] : [])
  const replica = openReplica({ driver, store: STORE, deviceId: 'me', now: () => 1 })
  expect(replica.check()).toMatchObject({ ok: true, problemCount: 0 })
  return replica.export().outbox.map(({ path }) => path)
}

describe('what waits for the server', () => {
  it('is mirrored after a while, and not any more when it has left the outbox', async () => {
    const { replica } = await lead()
    for (const path of ['a', 'b', 'c']) put(replica, path)
    await time.advanceAsync(MIRROR_AFTER_MS - 10)
    expect(disk.pending(STORE)).toEqual([])
    await time.advanceAsync(20)
    expect(disk.pending(STORE)).toEqual(['a', 'b', 'c'])
    accept(replica, 'a')
    await aWhile()
    expect(await rescued()).toEqual(['b', 'c'])
  })

  it('costs nothing when it is acknowledged at once', async () => {
    const { replica, reads } = await lead()
    for (let i = 0; i < 1_000; i++) {
      put(replica, `p${i}`)
      await time.advanceAsync(40)
      accept(replica, `p${i}`)
    }
    await aWhile()
    expect(disk.commits).toEqual([])
    expect(reads).toEqual([])
  })

  it('is mirrored four times a second at most, however much is written', async () => {
    const { replica } = await lead()
    for (let i = 0; i < 500; i++) {
      put(replica, `p${i}`)
      await time.advanceAsync(20)
    }
    await aWhile()
    expect(disk.pending(STORE)).toHaveLength(500)
    expect(disk.commits.length).toBeLessThan(45)
    for (const { put } of disk.commits) expect(put.length).toBeLessThan(4)
  })

  it('is written as one sheet when one is added to ten thousand, and all of them are there', async () => {
    const { replica, reads } = await lead()
    replica.transaction(() => {
      for (let i = 0; i < 10_000; i++) put(replica, `p${i}`)
    })
    await aWhile()
    await aWhile()
    expect(disk.pending(STORE)).toHaveLength(10_000)
    const commits = disk.commits.length
    reads.length = 0
    put(replica, 'one more')
    await aWhile()
    expect(disk.commits.slice(commits)).toEqual([{ put: ['outbox 625'], removed: [] }])
    expect(reads).toEqual([[10_000, 10_015]])
    expect((await rescued()).length).toBe(10_001)
  })

  it('is what took the place of another, with its batch, and what was refused', async () => {
    const { replica } = await lead()
    replica.write({ op: 'set', path: 'no', value: 1, opId: 'no' })
    replica.sync.reject('no', new RejectedError('limit_exceeded', 'no'))
    put(replica, 'text')
    replica.write({ op: 'set', path: 'text', value: 'y', opId: 'second' })
    const ops = ['b1', 'b2'].map((path) => ({ op: 'set', path, value: 1, opId: path }) as const)
    replica.writeBatch({ id: 'batch', ops, separate: false })
    await aWhile()
    replica.write({ op: 'set', path: 'text2', value: 'y', opId: 'third' })
    replica.write({ op: 'set', path: 'text2', value: 'z', opId: 'fourth' })
    await aWhile()
    const mirrored = await read()
    const driver = openBetterSqlite()
    expect(restoreReplica(driver, STORE, [(await mirrored?.salvage()) ?? expect.fail()])).toEqual({
      count: 5,
    })
    const again = openReplica({ driver, store: STORE, deviceId: 'me', now: () => 1 })
    expect(again.export().outbox).toEqual(replica.export().outbox)
    expect(again.rejections()).toEqual(replica.rejections())
    expect(again.sync.outbox(0, 10).map(({ batch }) => batch?.size ?? 0)).toEqual([0, 2, 2, 0])
    expect(again.verdict('op-text')).toEqual({ state: 'pending' })
  })

  it('is mirrored no longer than it is there', async () => {
    const { replica } = await lead()
    put(replica, 'a')
    replica.write({ op: 'set', path: 'no', value: 1, opId: 'no' })
    replica.sync.reject('no', new RejectedError('limit_exceeded', 'no'))
    await aWhile()
    expect(disk.pending(STORE)).toEqual(['a'])
    expect(disk.refused(STORE)).toEqual(['no'])
    replica.dropRejection('no')
    await aWhile()
    expect(disk.refused(STORE)).toEqual([])
    accept(replica, 'a')
    await aWhile()
    expect(disk.open(++epoch).stores).toEqual([])
  })

  it('that was there before is mirrored, and what is mirrored and not there any more goes', async () => {
    const driver = openBetterSqlite()
    const first = await lead(driver)
    for (const path of ['a', 'b', 'c']) put(first.replica, path)
    await aWhile()
    accept(first.replica, 'a')
    put(first.replica, 'd')
    // It is killed before that is mirrored.
    first.second.close(false)
    expect(disk.pending(STORE)).toEqual(['a', 'b', 'c'])
    await lead(driver)
    await aWhile()
    expect(await rescued()).toEqual(['b', 'c', 'd'])
  })

  it('is all there when the database is closed, which is known as long as nobody opens it', async () => {
    const driver = openBetterSqlite()
    const first = await lead(driver)
    put(first.replica, 'a')
    await first.close()
    expect((await salvage())?.complete).toBe(true)
    expect((await salvage())?.complete).toBe(false)
    const second = await lead(driver)
    put(second.replica, 'b')
    await second.close()
    const copy = await salvage()
    expect(copy?.complete).toBe(true)
    expect(copy?.tables.outbox.map(({ path }) => path)).toEqual(['a', 'b'])
  })
})

describe('a disk that fails', () => {
  it('is told, tried again, and makes up for what was missed', async () => {
    const { replica, second } = await lead()
    disk.failure = new Error('full')
    put(replica, 'a')
    await aWhile()
    expect(second.problem).toBe('full')
    put(replica, 'b')
    accept(replica, 'a')
    disk.failure = undefined
    for (let i = 0; i < 3; i++) await aWhile()
    expect(second.problem).toBeUndefined()
    expect(await rescued()).toEqual(['b'])
  })

  it('is not tried more and more often', async () => {
    const { replica } = await lead()
    disk.failure = new Error('full')
    for (let second = 0; second < 600; second++) {
      put(replica, `p${second}`)
      await time.advanceAsync(1_000)
    }
    expect(disk.attempts).toBeGreaterThan(10)
    expect(disk.attempts).toBeLessThan(20)
  })

  it('that hangs holds nothing up, closing included', async () => {
    const { replica, close } = await lead()
    disk.hangs = true
    put(replica, 'a')
    await aWhile()
    put(replica, 'b')
    await close()
  })

  it('that cannot be had leaves all as it is without a mirror, with the reason', async () => {
    const mirror = await openMirror(Promise.reject(new Error('forbidden')), time.clock())
    const second = mirror.follow(STORE, openBetterSqlite(), () => 'g')
    expect(second.problem).toBe('forbidden')
    expect(await mirror.read(STORE)).toBeUndefined()
  })
})

describe('a mirror of somebody else', () => {
  it('is not written by a leader that was deposed, whenever it wakes', async () => {
    const driver = openBetterSqlite()
    const old = await lead(driver)
    put(old.replica, 'a')
    await aWhile()
    put(old.replica, 'b')
    const next = await lead(driver)
    accept(next.replica, 'a')
    put(next.replica, 'c')
    await aWhile()
    expect(old.second.problem).toContain('taken over')
    await old.close()
    expect(disk.pending(STORE)).toEqual(['b', 'c'])
  })

  it('does not come back when the data of the site was removed', async () => {
    const { replica, close } = await lead()
    put(replica, 'a')
    disk.removeAll()
    await close()
    expect(disk.pending(STORE)).toEqual([])
  })

  it('is written anew when only IndexedDB has lost its data', async () => {
    const { replica, mirror, second } = await lead()
    put(replica, 'a')
    await aWhile()
    disk.removeAll()
    put(replica, 'b')
    await aWhile()
    expect(second.problem).toBeDefined()
    await mirror.restore()
    await aWhile()
    expect(disk.pending(STORE)).toEqual(['a', 'b'])
    expect(second.problem).toBeUndefined()
    put(replica, 'c')
    await aWhile()
    expect(disk.pending(STORE)).toEqual(['a', 'b', 'c'])
  })

  it('of a newer version is left untouched', async () => {
    const driver = openBetterSqlite()
    const first = await lead(driver)
    put(first.replica, 'a')
    await first.close()
    disk.alterHead(STORE, { schema: 99 })
    expect(await read()).toBeUndefined()
    const older = await lead(driver)
    put(older.replica, 'b')
    await older.close()
    expect(older.second.problem).toContain('newer version')
    expect(disk.pending(STORE)).toEqual(['a'])
  })

  it('of an older version is written again', async () => {
    const driver = openBetterSqlite()
    const first = await lead(driver)
    put(first.replica, 'a')
    await first.close()
    disk.alterHead(STORE, { schema: 1 })
    const commits = disk.commits.length
    await lead(driver)
    await aWhile()
    expect(disk.commits.slice(commits)).toEqual([{ put: ['outbox 0'], removed: [] }])
  })

  it('is not made for a database of a newer version', async () => {
    const driver = openBetterSqlite()
    openReplica({ driver, store: STORE, deviceId: 'me', now: () => 1 })
    driver.exec('pragma user_version = 99')
    const second = createMirror(disk.open(1), time.clock()).follow(STORE, driver, () => 'g')
    await aWhile()
    second.close(true)
    await second.settled()
    expect(disk.commits).toEqual([])
  })
})
