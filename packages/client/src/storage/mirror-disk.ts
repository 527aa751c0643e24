import type { PreciousMark, PreciousSheet, PreciousTable } from '@dustlayer/replica'

/** What is known of a store's mirror as a whole. */
export interface MirrorHead {
  /** The version of the replica's schema that its rows are of. */
  readonly schema: number
  /** The `generation` of the ledger that the database had. */
  readonly generation: string
  /** How far the database had come. */
  readonly mark: PreciousMark
  /** The database was closed in that state: there is nothing that is not here. */
  readonly exact: boolean
}

/** Rows whose positions are neighbours; stored, and replaced, as one. */
export interface StoredSheet extends PreciousSheet {
  readonly table: PreciousTable
  readonly number: number
}

/** What is to become of some sheets; null: it goes. */
export type SheetChanges = { readonly [table in PreciousTable]: ReadonlyMap<number, PreciousSheet | null> }

/** Where a leader keeps the mirrors of its stores. Another leader's that is older has no say any more. */
export interface MirrorDisk {
  /** The stores that had a mirror when the disk was opened. */
  readonly stores: readonly string[]
  /** Somebody has deleted what was here, and this leader has not been replaced: there is nothing now, and it may go on. */
  claim(): Promise<void>
  /** What is known of a store's mirror, which is not `exact` from now on; undefined when there is none. */
  head(store: string): Promise<MirrorHead | undefined>
  /** Everything in it, in the order of positions. */
  sheets(store: string): Promise<readonly StoredSheet[]>
  /**
   * Stores all of it or nothing, and resolves when it is durable. Without a head there is no mirror any more.
   * @throws (rejects) also when another leader has opened the disk, or the site's data is gone.
   */
  commit(store: string, changes: SheetChanges, head: MirrorHead | null): Promise<void>
}

/** So many positions are one sheet: few enough to write again for one of them, many enough that a burst is cheap. */
export const SHEET_ROWS = 16

export const sheetOf = (position: number): number => Math.floor(position / SHEET_ROWS)
