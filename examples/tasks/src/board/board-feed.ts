import type { DustEvent, Store } from '@dustlayer/client'
import { createRefresher } from '../shell/refresher.js'
import { type Board, readBoard } from './model.js'

export interface BoardFeed {
  /** Reads again: something changed that is no op, such as a write that has reached the server. */
  refresh(): void
}

export interface BoardFeedOptions {
  readonly store: Store
  /** `hints`: what was done to tasks since the last time, by their ids. */
  show(board: Board, hints: ReadonlyMap<string, string>): void
  /** What to hint at on the task that an event is about, if anything. */
  hintOf(event: DustEvent): string | undefined
  report(what: string, error: unknown): void
}

/**
 * Keeps the board in step with the store: whatever changes, all of it is read again. That is one call into local SQLite, and it
 * cannot drift from the store as a board patched event by event could.
 */
export function watchBoard({ store, show, hintOf, report }: BoardFeedOptions): BoardFeed {
  let hints = new Map<string, string>()
  const read = async (): Promise<void> => {
    // Handed over with the board that was read after them: a task that is new has no card before.
    const told = hints
    hints = new Map()
    const { items } = await store.enum('board/**')
    show(readBoard(items), told)
  }
  const refresh = createRefresher(read, (error) => report('The board could not be read', error))
  // Subscribed before the first read, so that nothing falls between the two.
  store.on('board/**', (event) => {
    const [, kind, id] = event.path.split('/')
    const hint = kind === 'tasks' ? hintOf(event) : undefined
    if (id !== undefined && hint !== undefined) hints.set(id, hint)
    refresh()
  })
  refresh()
  return { refresh }
}
