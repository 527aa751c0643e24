import { parseJson, stringifyJson } from '@dustlayer/protocol'
import { asInteger, asText, asTextOrNull, fromRows } from './damage.js'
import type { SqliteDriver, SqlValue } from './driver.js'
import type { ServerInfo } from './sync-port.js'

/** How far the staged state has come. */
export interface StagedMark {
  /** The history of the store that it belongs to; null when the server names none. */
  readonly incarnation: string | null
  /** The store_seq of the snapshot that it began with; 0 when it began with nothing. */
  readonly seq: number
  /** The path up to which the snapshot is here; null before its first entry. */
  readonly after: string | null
  /** The store_seq up to which it holds the server's log. */
  readonly cursor: number
}

/** The one row of facts about the replica as a whole, mirrored in memory. */
export interface Meta {
  /** The last_store_seq up to which the confirmed state is the fold of the server's log. */
  cursor(): number
  setCursor(seq: number): void
  server(): ServerInfo
  setServer(info: ServerInfo): void
  staged(): StagedMark | null
  setStaged(mark: StagedMark | null): void
  /** Reads the row anew, after a rollback. */
  reload(): void
}

interface MetaRow {
  readonly cursor: number
  readonly server: ServerInfo
  readonly staged: StagedMark | null
}

const READ =
  'select cursor, incarnation, extensions, staged_seq, staged_after, staged_cursor, staged_incarnation from meta where id = 1'

export function createMeta(driver: SqliteDriver): Meta {
  let row = read(driver)
  return {
    cursor: () => row.cursor,
    setCursor(cursor) {
      if (cursor === row.cursor) return
      driver.run('update meta set cursor = ? where id = 1', [cursor])
      row = { ...row, cursor }
    },
    server: () => row.server,
    setServer({ incarnation, extensions }) {
      const text = stringifyJson([...extensions])
      if (incarnation === row.server.incarnation && text === stringifyJson([...row.server.extensions])) return
      driver.run('update meta set incarnation = ?, extensions = ? where id = 1', [incarnation, text])
      row = { ...row, server: { incarnation, extensions: [...extensions] } }
    },
    staged: () => row.staged,
    setStaged(staged) {
      driver.run(
        'update meta set staged_seq = ?, staged_after = ?, staged_cursor = ?, staged_incarnation = ? where id = 1',
        [staged?.seq ?? null, staged?.after ?? null, staged?.cursor ?? null, staged?.incarnation ?? null],
      )
      row = { ...row, staged }
    },
    reload() {
      row = read(driver)
    },
  }
}

function read(driver: SqliteDriver): MetaRow {
  const [row] = driver.all(READ)
  return fromRows(driver, 'meta', () => metaFromRow(row ?? []))
}

/** @throws Error when the row cannot have been written above. */
function metaFromRow(row: readonly SqlValue[]): MetaRow {
  const [cursor, incarnation, extensions, seq, after, stagedCursor, stagedIncarnation] = row
  return {
    cursor: count(cursor),
    server: { incarnation: asTextOrNull(incarnation), extensions: extensionsFrom(asText(extensions)) },
    staged:
      seq === null
        ? null
        : {
            incarnation: asTextOrNull(stagedIncarnation),
            seq: count(seq),
            after: asTextOrNull(after),
            cursor: count(stagedCursor),
          },
  }
}

function count(value: SqlValue | undefined): number {
  const number = asInteger(value)
  if (number < 0) throw new TypeError(`${number} in place of a count`)
  return number
}

/** The list as `setServer` writes it. @throws Error for anything else. */
export function extensionsFrom(text: string): string[] {
  const names = parseJson(text)
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  throw new TypeError('no list of names')
}
