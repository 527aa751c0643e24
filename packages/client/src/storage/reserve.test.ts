import { expect, test } from 'vitest'
import { openReserve } from './reserve.js'

/** A directory with one file on a disk of so many bytes. */
function createDirectory(room: number) {
  const state = { size: 0, open: 0, room, blocks: 0, last: 0 }
  const full = () => Object.assign(new Error('full'), { name: 'QuotaExceededError' })
  const handle = {
    getSize: () => state.size,
    truncate(size: number) {
      if (size > state.room) throw full()
      state.size = size
      if (size === 0) Object.assign(state, { blocks: 0, last: 0 })
    },
    read(into: Uint8Array) {
      into[0] = state.last
      return 1
    },
    write(bytes: Uint8Array, { at }: { at: number }) {
      if (state.blocks + bytes.length > state.room) throw full()
      state.blocks += bytes.length
      if (at + bytes.length === state.size) state.last = bytes.at(-1) ?? 0
      return bytes.length
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

test('its bytes are written in slices, once, because a size alone keeps no room on the disk', async () => {
  const { state, directory } = createDirectory(100 << 20)
  const reserve = await openReserve(directory, 'reserve')
  let slices = 1
  while (reserve.fillMore()) slices += 1
  expect(slices).toBe(8)
  expect(state.blocks).toBe(8 << 20)
  reserve.close()
  const again = await openReserve(directory, 'reserve')
  expect(again.fillMore()).toBe(false)
  expect(state.blocks).toBe(8 << 20)
  expect(again.release()).toBe(true)
  expect(state.blocks).toBe(0)
  expect(again.fillMore()).toBe(false)
})

test('a disk that becomes full while they are written is no failure', async () => {
  const { state, directory } = createDirectory(8 << 20)
  const reserve = await openReserve(directory, 'reserve')
  state.room = 3 << 20
  while (reserve.fillMore());
  expect(state.blocks).toBe(3 << 20)
  expect(reserve.release()).toBe(true)
  expect(state.blocks).toBe(0)
})
