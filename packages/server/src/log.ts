/** Plain facts for one log line. Never a token, never a URL with its query. */
export type LogFields = { readonly [name: string]: string | number | boolean | null | undefined }

/** ERROR: a developer must look. INFO: state changed. DEBUG: the rest. */
export interface Logger {
  error(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
}

export type LogLevel = 'error' | 'info' | 'debug'

export interface LoggerOptions {
  readonly write: (line: string) => void
  /** `json` for machines, `text` for people. */
  readonly form: 'json' | 'text'
  readonly level: LogLevel
}

const ORDER: readonly LogLevel[] = ['error', 'info', 'debug']

export function createLogger({ write, form, level }: LoggerOptions): Logger {
  const at = (entryLevel: LogLevel) => {
    if (ORDER.indexOf(entryLevel) > ORDER.indexOf(level)) return () => {}
    return (message: string, fields: LogFields = {}) => {
      const time = new Date().toISOString()
      write(
        form === 'json'
          ? JSON.stringify({ time, level: entryLevel, message, ...fields })
          : asText(message, fields),
      )
    }
  }
  return { error: at('error'), info: at('info'), debug: at('debug') }
}

/** For embedding the server where nobody reads its log. */
export const silentLogger: Logger = { error() {}, info() {}, debug() {} }

/** An unexpected error as a log field, with its stack. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function asText(message: string, fields: LogFields): string {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  const line = [message, ...known.map(([name, value]) => `${name}=${value}`)].join('  ')
  // Device ids and topics are what clients say; a terminal must not take them for commands.
  return line.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd')
}
