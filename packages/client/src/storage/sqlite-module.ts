import { UnavailableError } from '@dustlayer/protocol'
import init, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm'

/** Set by us before the module initialises, read and deleted by it. */
interface SqliteGlobal {
  sqlite3ApiConfig?: {
    disable: { vfs: { [name: string]: boolean } }
    error(...said: unknown[]): void
    warn(...said: unknown[]): void
  }
}

/** The library's declaration hides the parameter on purpose; these two fields are documented by Emscripten. */
type Init = (options: { locateFile(): string; printErr(text: string): void }) => Promise<Sqlite3Static>

/** Loads sqlite-wasm once, as {@link loadSqlite}; what has failed is tried again at the next call. */
export function createSqliteLoader(load: () => Promise<Sqlite3Static>): () => Promise<Sqlite3Static> {
  let loading: Promise<Sqlite3Static> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}

/**
 * Loads sqlite-wasm. `onIoError` is told what a file threw; its callers only get a code. The VFSs that we do not use
 * stay out: with them enabled, some Firefox initialisations never end and all take longer.
 * @throws UnavailableError when the file cannot be loaded or compiled.
 */
export async function loadSqlite(
  wasmUrl: string,
  onIoError: (error: Error) => void = () => undefined,
): Promise<Sqlite3Static> {
  const global: typeof globalThis & SqliteGlobal = globalThis
  const tell = (...said: unknown[]): void => {
    for (const one of said) if (one instanceof Error) onIoError(one)
  }
  // What these say becomes an error of the statement, a fall-back or a recovery; the console would only repeat it.
  global.sqlite3ApiConfig = {
    disable: { vfs: { opfs: true, 'opfs-wl': true, kvvfs: true } },
    error: tell,
    warn: tell,
  }
  try {
    // Failures arrive as the thrown error, so Emscripten's own lines on the console would only repeat them.
    return await (init as Init)({ locateFile: () => wasmUrl, printErr: () => undefined })
  } catch (error) {
    throw new UnavailableError(
      `SQLite could not be loaded from ${wasmUrl}. Check that the file is served, and that the page's Content-Security-Policy allows 'wasm-unsafe-eval'.`,
      { wasmUrl },
      { cause: error },
    )
  }
}
