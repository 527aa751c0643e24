import { expect, test } from 'vitest'
import { createPoolRoom, type FilePool } from './pool-room.js'

/** Grows one file at a time, as the pool of sqlite-wasm does. */
function createPool(names: string[], capacity: number): FilePool & { readonly capacity: number } {
  return {
    get capacity() {
      return capacity
    },
    getFileNames: () => names,
    async reserveMinimumCapacity(files) {
      for (let missing = files - capacity; missing > 0; missing--) {
        await Promise.resolve()
        capacity += 1
      }
      return capacity
    },
  }
}

test('databases that are opened at once have room for all their files, and no more is taken than that', async () => {
  const pool = createPool([], 6)
  const room = createPoolRoom(pool)
  await Promise.all(Array.from({ length: 10 }, (_, i) => room.reserve(`/store${i}.db`)))
  expect(pool.capacity).toBe(22)
})

test('files of earlier sessions count, and a database that is opened again takes nothing more', async () => {
  const pool = createPool(['/a.db', '/a.db-wal', '/b.db'], 6)
  const room = createPoolRoom(pool)
  await room.reserve('/a.db')
  await room.reserve('/b.db')
  expect(pool.capacity).toBe(6)
  await room.reserve('/c.db')
  expect(pool.capacity).toBe(8)
})

test('growth that failed does not stand in the way of the next', async () => {
  let fails = true
  const pool = createPool([], 0)
  const room = createPoolRoom({
    getFileNames: pool.getFileNames,
    reserveMinimumCapacity: (files) =>
      fails ? Promise.reject(new Error('quota')) : pool.reserveMinimumCapacity(files),
  })
  await expect(room.reserve('/a.db')).rejects.toThrow('quota')
  fails = false
  await room.reserve('/a.db')
  expect(pool.capacity).toBe(4)
})
