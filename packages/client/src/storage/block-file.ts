import { BLOCK_BYTES, type BlockChange } from './blocks.js'

/** A file in memory that knows which of its blocks were written since they were last taken. */
export interface BlockFile {
  readonly size: number
  readonly dirty: boolean
  /** Fills the target from the position on; gives how many bytes there were. */
  read(target: Uint8Array, at: number): number
  write(source: Uint8Array, at: number): void
  truncate(size: number): void
  /** What has changed since it was last taken, as it is now; it counts as stored from then on. */
  take(): BlockChange
  /** The change that was taken could not be stored: it is to be taken again. */
  giveBack(change: BlockChange): void
}

/** `onDirty` is called at each change, and must not look at the file then. */
export function createBlockFile(stored: BlockChange | undefined, onDirty: () => void): BlockFile {
  const blocks = new Map(stored?.blocks)
  const changed = new Set<number>()
  let size = stored?.size ?? 0
  let dirty = false

  const touch = (): void => {
    dirty = true
    onDirty()
  }

  const blockFor = (index: number): Uint8Array => {
    const existing = blocks.get(index)
    if (existing) return existing
    const block = new Uint8Array(BLOCK_BYTES)
    blocks.set(index, block)
    return block
  }

  /** Runs for each part of a range that lies in one block. */
  const eachPart = (
    at: number,
    length: number,
    run: (index: number, from: number, to: number, done: number) => void,
  ): void => {
    for (let done = 0; done < length; ) {
      const index = Math.floor((at + done) / BLOCK_BYTES)
      const from = (at + done) % BLOCK_BYTES
      const to = Math.min(BLOCK_BYTES, from + length - done)
      run(index, from, to, done)
      done += to - from
    }
  }

  return {
    get size() {
      return size
    },
    get dirty() {
      return dirty
    },
    read(target, at) {
      const length = Math.max(0, Math.min(target.length, size - at))
      eachPart(at, length, (index, from, to, done) => {
        const block = blocks.get(index)
        if (block) target.set(block.subarray(from, to), done)
        else target.fill(0, done, done + to - from)
      })
      return length
    },
    write(source, at) {
      eachPart(at, source.length, (index, from, to, done) => {
        blockFor(index).set(source.subarray(done, done + to - from), from)
        changed.add(index)
      })
      size = Math.max(size, at + source.length)
      touch()
    },
    truncate(to) {
      if (to === size) return
      const count = Math.ceil(to / BLOCK_BYTES)
      for (const index of blocks.keys()) if (index >= count) blocks.delete(index)
      for (const index of changed) if (index >= count) changed.delete(index)
      // A file that grows again must find zeros there.
      if (to < size && to % BLOCK_BYTES > 0) {
        blocks.get(count - 1)?.fill(0, to % BLOCK_BYTES)
        changed.add(count - 1)
      }
      size = to
      touch()
    },
    take() {
      const copies = new Map(Array.from(changed, (index) => [index, blockFor(index).slice()]))
      changed.clear()
      dirty = false
      return { size, blocks: copies }
    },
    giveBack(change) {
      for (const index of change.blocks.keys()) if (blocks.has(index)) changed.add(index)
      dirty = true
    },
  }
}
