import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BrowserContext, chromium, type LaunchOptions } from '@playwright/test'

const SYSTEM_CHROMIUM = '/usr/bin/chromium'

/** `npm test` names a Chromium; a bare `playwright test` finds the system's, else Playwright's own. */
export function withChromium(options: LaunchOptions): LaunchOptions {
  return existsSync(SYSTEM_CHROMIUM) ? { executablePath: SYSTEM_CHROMIUM, ...options } : options
}

/** A browser profile on disk: what one person's browser keeps over restarts. */
export interface Profile {
  /** The running browser. */
  readonly context: BrowserContext
  /** Closes the browser and starts it again. */
  restart(): Promise<void>
  /** SIGKILLs all of the browser's processes and starts it again. */
  crash(): Promise<void>
  /** What the browser's processes hold from the system. */
  held(): Promise<HeldBySystem>
  /** Closes the browser and removes the profile. */
  dispose(): Promise<void>
}

/** Of all processes of a browser together; zeros where there is no `/proc`. */
export interface HeldBySystem {
  readonly processes: number
  readonly openFiles: number
  readonly threads: number
  /** Not shared with other programs, in MiB. */
  readonly privateMiB: number
}

/** Storage is only realistic in a persistent profile: an ephemeral context keeps OPFS in memory. */
export async function openProfile(options: LaunchOptions): Promise<Profile> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-profile-'))
  const launch = () => chromium.launchPersistentContext(directory, withChromium(options))
  let context = await launch()
  return {
    get context() {
      return context
    },
    async restart() {
      await context.close()
      context = await launch()
    },
    async crash() {
      const closed = context.waitForEvent('close')
      await killProcessesOf(directory)
      await closed
      context = await launch()
    },
    held: () => heldBy(directory),
    async dispose() {
      await context.close()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function killProcessesOf(directory: string): Promise<void> {
  for (const pid of await processesOf(directory)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went with its parent.
    }
  }
}

/** Playwright does not tell the browser's process id, but the profile's directory on its command line is unique. */
async function processesOf(directory: string): Promise<number[]> {
  const commands = await runningCommands()
  return commands.flatMap(([pid, command]) => (command.includes(`--user-data-dir=${directory}`) ? [pid] : []))
}

async function heldBy(directory: string): Promise<HeldBySystem> {
  const all = await Promise.all((await processesOf(directory)).map(heldByProcess))
  const sum = (of: (held: Omit<HeldBySystem, 'processes'>) => number): number =>
    all.reduce((total, one) => total + (one ? of(one) : 0), 0)
  return {
    processes: all.length,
    openFiles: sum(({ openFiles }) => openFiles),
    threads: sum(({ threads }) => threads),
    privateMiB: Math.round(sum(({ privateMiB }) => privateMiB)),
  }
}

async function heldByProcess(pid: number): Promise<Omit<HeldBySystem, 'processes'> | undefined> {
  try {
    const [files, threads, memory] = await Promise.all([
      readdir(`/proc/${pid}/fd`),
      readdir(`/proc/${pid}/task`),
      readFile(`/proc/${pid}/smaps_rollup`, 'utf8'),
    ])
    const kibibytes = [...memory.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].map(([, kb]) => Number(kb))
    const privateMiB = kibibytes.reduce((total, kb) => total + kb, 0) / 1024
    return { openFiles: files.length, threads: threads.length, privateMiB }
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

/** Linux tells it in files, also where no `ps` is installed. */
async function runningCommands(): Promise<[pid: number, command: string][]> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'pid=,args='])
    return stdout.split('\n').map((line) => [Number.parseInt(line, 10), line])
  }
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  // A process that has ended since then has no command.
  const commandOf = (pid: number) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return Promise.all(pids.map(async (pid): Promise<[number, string]> => [pid, await commandOf(pid)]))
}
