/** SQLite's page size in our build, so that a page that changes is one block that changes. */
export const BLOCK_BYTES = 8_192

/** What of a file is to be stored. */
export interface BlockChange {
  /** The file's size in bytes afterwards. Blocks beyond it are no part of the file any more. */
  readonly size: number
  /** Contents by block number, each of {@link BLOCK_BYTES}. */
  readonly blocks: ReadonlyMap<number, Uint8Array>
}

/** Files of blocks that outlive the page. */
export interface BlockStore {
  names(): Promise<readonly string[]>
  /** All of a file; undefined when there is none of that name. */
  load(name: string): Promise<BlockChange | undefined>
  /**
   * Stores the whole change or nothing of it, and resolves when it is durable. There is no way to store a single
   * block, so that no moment of a crash leaves half a transaction of SQLite's.
   */
  commit(name: string, change: BlockChange): Promise<void>
  remove(name: string): Promise<void>
}
