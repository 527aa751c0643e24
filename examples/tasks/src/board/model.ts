import { compareOrder, isOrderKey, type Ordered } from './order.js'

export interface Task extends Ordered {
  readonly title: string
  readonly list: string
  readonly done: boolean
  /** Something of it has not reached the server yet. */
  readonly pending: boolean
}

export interface List extends Ordered {
  readonly title: string
  readonly tasks: readonly Task[]
  /** Tasks not done. Counted from the tasks themselves, so it is right whatever is edited where at the same time. */
  readonly open: number
  readonly pending: boolean
  /** Gathers tasks whose list is gone: it is not in the store, and cannot be renamed, moved or deleted. */
  readonly stray: boolean
}

export interface Board {
  readonly lists: readonly List[]
  /** How often a task was completed here, ever. A Dust counter, since it has to outlive the tasks. */
  readonly completed: number
}

/** The part of a Dust entry that the board needs. */
export interface BoardEntry {
  readonly path: string
  readonly value: unknown
  readonly pending: boolean
}

export const STRAY_LIST = 'stray'

// Behind every key that the library makes: those start with a letter.
const LAST = '~'

/** Builds the board from the leaves below `board/`. Leaves it does not know or cannot use are left out. */
export function readBoard(entries: Iterable<BoardEntry>): Board {
  const lists = new Map<string, Record<string, unknown>>()
  const tasks = new Map<string, Record<string, unknown>>()
  const pending = new Set<string>()
  let completed = 0
  for (const entry of entries) {
    const [, kind, id = '', field] = entry.path.split('/')
    if (kind === 'stats' && id === 'completed' && typeof entry.value === 'number') completed = entry.value
    const table = kind === 'lists' ? lists : kind === 'tasks' ? tasks : undefined
    if (table === undefined || field === undefined) continue
    table.set(id, { ...table.get(id), [field]: entry.value })
    if (entry.pending) pending.add(id)
  }
  const readTask = ([id, fields]: [string, Record<string, unknown>]): Task[] => {
    // Without a title it is what a concurrent edit left of a deleted task.
    if (typeof fields.title !== 'string') return []
    const list = typeof fields.list === 'string' && isList(lists.get(fields.list)) ? fields.list : STRAY_LIST
    return [
      {
        id,
        title: fields.title,
        list,
        order: orderOf(fields),
        done: fields.done === true,
        pending: pending.has(id),
      },
    ]
  }
  const all = [...tasks].flatMap(readTask).sort(compareOrder)
  const makeList = (id: string, title: string, order: string): List => {
    const own = all.filter((task) => task.list === id)
    const open = own.filter((task) => !task.done).length
    return { id, title, order, tasks: own, open, pending: pending.has(id), stray: id === STRAY_LIST }
  }
  const known = [...lists].flatMap(([id, fields]) =>
    typeof fields.title === 'string' ? [makeList(id, fields.title, orderOf(fields))] : [],
  )
  const stray = makeList(STRAY_LIST, 'Without a list', LAST)
  return { lists: [...known.sort(compareOrder), ...(stray.tasks.length > 0 ? [stray] : [])], completed }
}

function isList(fields: Record<string, unknown> | undefined): boolean {
  return typeof fields?.title === 'string'
}

function orderOf(fields: Record<string, unknown>): string {
  return isOrderKey(fields.order) ? fields.order : LAST
}

/** The task with this id, wherever it is. */
export function findTask(board: Board, id: string): Task | undefined {
  return board.lists.flatMap(({ tasks }) => tasks).find((task) => task.id === id)
}
