import { expect, test } from 'vitest'
import { openReserve } from './reserve.js'

/** A directory with one file on a disk of so many bytes. */
function createDirectory(room: number) {
  const state = { size: 0, open: 0, room }
  const handle = {
    getSize: () => state.size,
    truncate(size: number) {
      if (size > state.room) throw Object.assign(new Error('full'), { name: 'QuotaExceededError' })
      state.size = size
    },
    flush: () => undefined,
    close() {
      state.open -= 1
    },
  }
  const file = {
    async createSyncAccessHandle() {
      state.open += 1
      return handle
    },
  }
  // Of a directory, only this is used.
  const directory = { getFileHandle: async () => file } as unknown as FileSystemDirectoryHandle
  return { state, directory }
}

test('room is kept, given up once with the handle, and filled up when it is opened the next time', async () => {
  const { state, directory } = createDirectory(100 << 20)
  const reserve = await openReserve(directory, 'reserve')
  expect(state.size).toBe(8 << 20)
  expect(reserve.release()).toBe(true)
  expect(state).toMatchObject({ size: 0, open: 0 })
  expect(reserve.release()).toBe(false)
  reserve.close()
  expect(state.open).toBe(0)
  const again = await openReserve(directory, 'reserve')
  expect(state.size).toBe(8 << 20)
  again.close()
  expect(state.open).toBe(0)
})

test('where there is no room for it there is none, and everything else works', async () => {
  const { state, directory } = createDirectory(1_000)
  const reserve = await openReserve(directory, 'reserve')
  expect(reserve.release()).toBe(false)
  reserve.close()
  expect(state.open).toBe(0)
})

test('a browser without access handles is told by the error', async () => {
  const directory = { getFileHandle: async () => ({}) } as unknown as FileSystemDirectoryHandle
  await expect(openReserve(directory, 'reserve')).rejects.toThrow('no access handles')
})
