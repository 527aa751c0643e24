import { asPosition, asText, fromRows } from './damage.js'
import type { SqliteDriver } from './driver.js'

/** So many ops may give way to one: their verdicts come all at once. */
const MOST = 500

/**
 * Ops that left the outbox because a later op has taken their place: the verdict of that one is theirs as well.
 * Durable in the table `replaced`, by the position of the place; mirrored here.
 */
export interface Replaced {
  /** The position of the op that took this one's place. */
  place(opId: string): number | undefined
  /** The ops that had this place before. */
  at(position: number): readonly string[]
  /** Whether one more op may give way at this place. */
  hasRoom(position: number): boolean
  add(position: number, opId: string): void
  /** Forgets the ops that had this place. */
  remove(position: number): void
  reload(): void
}

export function createReplaced(driver: SqliteDriver): Replaced {
  const places = new Map<string, number>()
  const ids = new Map<number, string[]>()

  const remember = (position: number, opId: string): void => {
    places.set(opId, position)
    const there = ids.get(position)
    if (there) there.push(opId)
    else ids.set(position, [opId])
  }

  const reload = (): void => {
    places.clear()
    ids.clear()
    const rows = driver.all('select position, op_id from replaced')
    fromRows(driver, 'replaced', () => {
      for (const [position, opId] of rows) remember(asPosition(position), asText(opId))
    })
  }

  reload()
  return {
    place: (opId) => places.get(opId),
    at: (position) => ids.get(position) ?? [],
    hasRoom: (position) => (ids.get(position)?.length ?? 0) < MOST,
    add(position, opId) {
      driver.run('insert into replaced (position, op_id) values (?, ?)', [position, opId])
      remember(position, opId)
    },
    remove(position) {
      const there = ids.get(position)
      if (!there) return
      driver.run('delete from replaced where position = ?', [position])
      for (const opId of there) places.delete(opId)
      ids.delete(position)
    },
    reload,
  }
}
