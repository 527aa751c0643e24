import type { PreciousSheet } from '@dustlayer/replica'
import { SHEET_ROWS, sheetOf } from './mirror-disk.js'

/** One table of a mirror: what the disk has of it, and what may be different now. */
export interface Shelf {
  /** Whether the disk has anything of it. */
  readonly empty: boolean
  /** Since when something may be different, in ms; Infinity when nothing is. */
  readonly since: number
  /** Tells what the disk has, by sheet: its print, or {@link UNKNOWN}. */
  know(prints: ReadonlyMap<number, string>): void
  /** All that there is, in the database or on the disk, may be different. */
  compare(positions: readonly number[], now: number): void
  /** A row has changed, or is not there any more. */
  note(position: number, there: boolean, now: number): void
  /** Behind this position are only rows that have come in the last `ms`. */
  horizon(now: number, ms: number): number
  /** Reads sheets that may be different, up to a position, so many at most; false when some are left. */
  gather(upTo: number, most: number): boolean
  /** All rows that there are have been gathered: whatever else the disk has is there no more. */
  gatheredAll(): void
  /** What was gathered and the disk does not have; it counts as stored from now on. */
  take(): Map<number, PreciousSheet | null>
  /** What was taken could not be stored, or nobody knows. */
  giveBack(taken: ReadonlyMap<number, unknown>, now: number): void
}

/** Is the print of no sheet. */
export const UNKNOWN = ''

export function createShelf(read: (from: number, to: number) => PreciousSheet | null): Shelf {
  /** Positions, with the time; the oldest first. */
  const dirty = new Map<number, number>()
  /** Rows that have come lately, with the time. Whatever comes has the highest position. */
  const young = new Map<number, number>()
  let highest = 0
  let prints: Map<number, string> | undefined
  let gathered = new Map<number, PreciousSheet | null>()

  const note = (position: number, now: number): void => {
    if (!dirty.has(position)) dirty.set(position, now)
  }

  /** Whether the disk can have something of the sheet, or will have. */
  const mayHave = (number: number): boolean => !prints || prints.has(number) || gathered.has(number)

  return {
    get empty() {
      return !prints || prints.size === 0
    },
    get since() {
      const [first = Number.POSITIVE_INFINITY] = dirty.values()
      return first
    },
    know(found) {
      prints = new Map(found)
    },
    compare(positions, now) {
      for (const position of positions) note(position, now)
      for (const number of prints?.keys() ?? []) note(number * SHEET_ROWS, now)
    },
    note(position, there, now) {
      if (there && position > highest) {
        highest = position
        young.set(position, now)
      }
      // What comes and goes before its time costs nothing more.
      if (there || mayHave(sheetOf(position))) note(position, now)
      else dirty.delete(position)
    },
    horizon(now, ms) {
      for (const [position, since] of young) {
        if (since > now - ms) return position - 1
        young.delete(position)
      }
      return Number.MAX_SAFE_INTEGER
    },
    gather(upTo, most) {
      const fresh = new Set<number>()
      for (const position of dirty.keys()) {
        if (position > upTo) continue
        const number = sheetOf(position)
        if (!fresh.has(number)) {
          if (fresh.size === most) return false
          fresh.add(number)
          const first = number * SHEET_ROWS
          gathered.set(number, read(first, Math.min(upTo, first + SHEET_ROWS - 1)))
        }
        dirty.delete(position)
      }
      return true
    },
    gatheredAll() {
      for (const number of prints?.keys() ?? []) if (!gathered.has(number)) gathered.set(number, null)
    },
    take() {
      const known = prints ?? new Map<number, string>()
      const taken = new Map<number, PreciousSheet | null>()
      for (const [number, sheet] of gathered) {
        if (sheet === null ? known.has(number) : known.get(number) !== sheet.print) taken.set(number, sheet)
        if (sheet) known.set(number, sheet.print)
        else known.delete(number)
      }
      gathered = new Map()
      return taken
    },
    giveBack(taken, now) {
      for (const number of taken.keys()) {
        prints?.set(number, UNKNOWN)
        note(number * SHEET_ROWS, now)
      }
    },
  }
}
