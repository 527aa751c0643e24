import { BLOCK_BYTES, type BlockChange, type BlockStore } from '../storage/blocks.js'

/** A disk of blocks that outlives those who have it open. What it is told to store arrives when the test says so. */
export interface BlockDisk {
  /** One life of a page on this disk. */
  open(): BlockStore
  /** Lets the oldest change that is under way arrive, whole; false when there is none. */
  arrive(): boolean
  /** The page dies: what has not arrived never does. */
  crash(): void
  /** Changes fail with this from now on; undefined: they arrive again. */
  failure: unknown
  /** Changes arrive at once. */
  prompt: boolean
  /** How many changes have arrived. */
  readonly commits: number
  /** The largest number of blocks that arrived at once. */
  readonly largest: number
  /** Writes over stored bytes, as a failing disk does. */
  damage(name: string, at: number, bytes: Uint8Array): void
  names(): string[]
}

export function createBlockDisk(): BlockDisk {
  const files = new Map<string, { size: number; blocks: Map<number, Uint8Array> }>()
  let underway: { run(): void; drop(): void }[] = []
  let commits = 0
  let largest = 0

  const store = (name: string, { size, blocks }: BlockChange): void => {
    const file = files.get(name) ?? { size: 0, blocks: new Map() }
    files.set(name, file)
    file.size = size
    for (const [index, block] of blocks) file.blocks.set(index, block)
    for (const index of file.blocks.keys())
      if (index >= Math.ceil(size / BLOCK_BYTES)) file.blocks.delete(index)
    commits += 1
    largest = Math.max(largest, blocks.size)
  }

  const disk: BlockDisk = {
    failure: undefined,
    prompt: true,
    get commits() {
      return commits
    },
    get largest() {
      return largest
    },
    names: () => [...files.keys()],
    open: () => ({
      names: async () => [...files.keys()],
      async load(name) {
        const file = files.get(name)
        return (
          file && { size: file.size, blocks: new Map(Array.from(file.blocks, ([i, b]) => [i, b.slice()])) }
        )
      },
      commit: (name, change) =>
        new Promise((resolve, reject) => {
          const run = (): void => {
            if (disk.failure !== undefined) {
              reject(disk.failure)
              return
            }
            store(name, change)
            resolve()
          }
          if (disk.prompt) run()
          else underway.push({ run, drop: () => undefined })
        }),
      async remove(name) {
        files.delete(name)
      },
    }),
    arrive() {
      const next = underway.shift()
      next?.run()
      return next !== undefined
    },
    crash() {
      underway = []
    },
    damage(name, at, bytes) {
      for (const [i, byte] of bytes.entries()) {
        const block = files.get(name)?.blocks.get(Math.floor((at + i) / BLOCK_BYTES))
        if (block) block[(at + i) % BLOCK_BYTES] = byte
      }
    },
  }
  return disk
}
