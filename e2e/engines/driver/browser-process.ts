import { type ChildProcess, spawn } from 'node:child_process'

/** A program of a browser, with all the processes it has started. */
export interface BrowserProcess {
  /** SIGKILLs the program and its descendants; resolves when it is gone. */
  kill(): Promise<void>
  /** Resolves when the program has ended. */
  readonly gone: Promise<void>
  /** Rejects when the program has ended, with what it said last. */
  ended(): Promise<never>
  /** The first match in what the program prints, on either output. @throws when it ends without. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
}

const KEPT_OUTPUT = 8000

export function startProcess(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): BrowserProcess {
  // A process group of its own: one signal reaches the processes that a browser has for pages, too.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true })
  let said = ''
  const listeners = new Set<() => void>()
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_OUTPUT)
      for (const listener of listeners) listener()
    })
  }
  let ended = false
  const killWithUs = () => signalGroup(child)
  process.once('exit', killWithUs)
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      ended = true
      process.off('exit', killWithUs)
      resolve()
      for (const listener of listeners) listener()
    }
    child.once('exit', end)
    child.once('error', (error) => {
      said += error.message
      end()
    })
  })
  const endedEarly = () => new Error(`${command} ended before it was ready:\n${said}`)
  return {
    gone,
    async ended() {
      await gone
      throw endedEarly()
    },
    async kill() {
      signalGroup(child)
      await gone
    },
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = said.match(pattern)
          if (!match && !ended) return
          listeners.delete(look)
          if (match) resolve(match)
          else reject(endedEarly())
        }
        listeners.add(look)
        look()
      }),
  }
}

function signalGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of the group has ended.
  }
}
