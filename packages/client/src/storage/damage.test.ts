import type { Replica } from '@dustlayer/replica'
import init from '@sqlite.org/sqlite-wasm'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  beginKeeperLife,
  KEPT_NAME,
  KEPT_STORE,
  type KeeperWorld,
  openKept,
  outlive,
} from '../test-support/keeper-life.js'
import { type BlockDisk, createBlockDisk } from '../test-support/memory-blocks.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'
import type { Recovery } from './ledger.js'
import { openReplicaOn } from './open-replica-on.js'

const sqlite3 = await init()
/** As sqlite-wasm makes them. */
const PAGE_BYTES = 8_192
const OPS = ['op0', 'op1', 'op2', 'op3', 'op4']

let disk: BlockDisk
let world: KeeperWorld

beforeEach(async () => {
  disk = createBlockDisk()
  world = worldOn(disk)
  await fill(world)
})

function worldOn(disk: BlockDisk): KeeperWorld {
  return {
    openFiles: async () => (await openBlocksForTest(sqlite3, disk)).files,
    records: new Map(),
    salvaged: new Map(),
  }
}

/** Five pending ops, a refused one, and entries of the server's. */
async function fill(world: KeeperWorld, ops: readonly string[] = OPS): Promise<void> {
  await outlive(world, 1, async ({ durable }, replica) => {
    replica.sync.applySnapshot(2, [
      { path: 'theirs/a', value: 'x', type: 'string', seq: 1 },
      { path: 'theirs/b', value: 'y', type: 'string', seq: 2 },
    ])
    for (const opId of ops) replica.write({ op: 'set', path: `own/${opId}`, value: opId, opId })
    await durable()
  })
}

/** Something else changes the database, as SQL tells. */
async function change(sql: string): Promise<void> {
  const { files } = await openBlocksForTest(sqlite3, disk)
  const { driver, durable } = await files.open(KEPT_NAME)
  driver.exec(sql)
  await durable()
  driver.close()
  await files.close()
}

const pendingIn = (replica: Replica): string[] => replica.export().outbox.map(({ opId }) => opId)

interface Seen {
  readonly pending: readonly string[]
  readonly recovered: Recovery | undefined
  readonly lives: number
}

const open = (use: (replica: Replica) => unknown = () => undefined): Promise<Seen> =>
  outlive(world, 2, async (database, replica, lives) => {
    use(replica)
    return { pending: pendingIn(replica), recovered: database.info().recovered, lives }
  })

describe('a row that was never written', () => {
  it.each([
    [`update outbox set value = '{"a' where op_id = 'op2'`],
    [`update outbox set op = 'sut' where op_id = 'op2'`],
    [`update outbox set path = 'own/op7' where op_id = 'op2'`],
    [`update outbox set op_id = 'op7' where op_id = 'op2'`],
  ])('in the outbox (%s) is left out, the others stay, and the app is told', async (sql) => {
    await change(sql)
    expect(await open()).toMatchObject({
      pending: ['op0', 'op1', 'op3', 'op4'],
      recovered: { reason: 'damaged', rescued: 4, complete: false },
      lives: 2,
    })
    expect(disk.names()).toEqual([KEPT_NAME, `${KEPT_NAME}@2`])
  })

  it.each([[`update meta set extensions = '['`], [`update meta set cursor = 'q'`], ['delete from meta']])(
    'elsewhere (%s) costs no pending write',
    async (sql) => {
      await change(sql)
      expect(await open()).toMatchObject({
        pending: OPS,
        recovered: { reason: 'damaged', rescued: 5, complete: true },
      })
    },
  )

  it('shows as well when it is read only later', async () => {
    await change(`update entries set value = '"' where path = 'theirs/b'`)
    const readAll = (replica: Replica) => replica.read('theirs')
    expect(await open(readAll)).toMatchObject({
      pending: OPS,
      recovered: { detail: expect.stringContaining('damaged row in entries'), complete: true },
      lives: 2,
    })
  })
})

describe('a header or a schema that was never written', () => {
  it.each([0, 1, 2, 4, 77, 2 ** 30])('(version %i) is no other version', async (version) => {
    await change(`pragma user_version = ${version}`)
    expect(await open()).toMatchObject({
      pending: OPS,
      recovered: { reason: 'damaged', complete: true },
      lives: 1,
    })
  })

  it.each([
    [18, 0],
    [18, 7],
    [44, 1],
    [47, 9],
    [60, 1],
    [63, 200],
  ])('(byte %i is %i) does not keep the store closed', async (at, byte) => {
    vi.spyOn(console, 'error').mockReturnValue()
    disk.damage(KEPT_NAME, at, new Uint8Array([byte]))
    const { pending, recovered } = await open((replica) =>
      replica.write({ op: 'set', path: 'a', value: 1, opId: 'new' }),
    )
    // Some say nothing of importance.
    if (recovered) expect(recovered).toMatchObject({ reason: 'damaged' })
    else expect(pending).toEqual([...OPS, 'new'])
    vi.restoreAllMocks()
  })

  it('is found by the first statement that fails on it', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const { keeper, faults } = await beginKeeperLife(world)
    const database = await keeper.open(KEPT_STORE)
    const replica = openKept(database)
    database.driver.exec('drop table settled')
    expect(() => replica.verdict('unknown')).toThrow('no such table')
    expect(faults).toMatchObject([{ kind: 'damaged' }])
    database.driver.close()
    await keeper.close()
    expect(await open()).toMatchObject({ pending: OPS, recovered: { rescued: 5 } })
    vi.restoreAllMocks()
  })
})

describe('a replica that cannot be opened for another reason', () => {
  it('is of a newer version: nothing is touched', async () => {
    await change('alter table outbox add column more text; pragma user_version = 9')
    const { keeper, faults } = await beginKeeperLife(world)
    const database = await keeper.open(KEPT_STORE)
    expect(() => openKept(database)).toThrow('newer version')
    expect(faults).toEqual([])
    expect(disk.names()).toEqual([KEPT_NAME])
  })

  it('has no room: the reserve is given up for it, once', async () => {
    const { keeper, faults } = await beginKeeperLife(world)
    const database = await keeper.open(KEPT_STORE)
    const full = Object.assign(new Error('database or disk is full'), { resultCode: 13 })
    let room = false
    const tight = {
      ...database,
      driver: {
        ...database.driver,
        all(...args: Parameters<typeof database.driver.all>) {
          if (!room) throw full
          return database.driver.all(...args)
        },
      },
    }
    const options = { store: KEPT_STORE, deviceId: 'me', now: () => 1 }
    expect(() => openReplicaOn({ ...tight, makeRoom: () => false }, options)).toThrow(full)
    const makeRoom = (): boolean => {
      room = true
      return room
    }
    expect(openReplicaOn({ ...tight, makeRoom }, options).pending().count).toBe(5)
    expect(faults).toEqual([])
  })
})

describe('what was written on a lower rung', () => {
  let lower: BlockDisk
  beforeEach(async () => {
    lower = createBlockDisk()
    ;[disk, lower] = [lower, disk]
    world = { ...worldOn(disk), leftBehind: (await openBlocksForTest(sqlite3, lower)).files }
  })

  async function changeLower(sql: string): Promise<void> {
    ;[disk, lower] = [lower, disk]
    await change(sql)
    ;[disk, lower] = [lower, disk]
  }

  it('is taken over although its facts about itself cannot be read', async () => {
    await changeLower('delete from meta')
    expect(await open()).toMatchObject({ pending: OPS, lives: 1 })
    expect(lower.names()).toEqual([])
  })

  it('and cannot all be read is told of', async () => {
    await changeLower(`update outbox set value = '{' where op_id = 'op2'`)
    expect(await open()).toMatchObject({
      pending: ['op0', 'op1', 'op3', 'op4'],
      recovered: { reason: 'damaged', rescued: 4, complete: false },
    })
  })

  it('and cannot be read at all is told of', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    lower.damage(KEPT_NAME, 0, new Uint8Array(PAGE_BYTES).fill(0xa5))
    expect(await open()).toMatchObject({ pending: [], recovered: { rescued: 0, complete: false } })
    vi.restoreAllMocks()
  })

  it('goes into a sound database, also when only that shows that it is none', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const [above, below] = [createBlockDisk(), lower]
    disk = above
    await fill(worldOn(above), ['first'])
    const { records } = world
    world = { ...worldOn(above), records, leftBehind: (await openBlocksForTest(sqlite3, below)).files }
    const settled = 4
    disk.damage(KEPT_NAME, (settled - 1) * PAGE_BYTES, new Uint8Array(PAGE_BYTES).fill(0xa5))
    expect(await open()).toMatchObject({ pending: ['first', ...OPS], recovered: { rescued: 1 }, lives: 1 })
    vi.restoreAllMocks()
  })
})
