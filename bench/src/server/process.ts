import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A child process of the bench that prints one JSON line when it is ready. */
export interface ReadyProcess<T> {
  readonly ready: T
  readonly pid: number
  /** Asks it to stop and waits until it has. */
  close(): Promise<void>
}

/** Starts a Node script and parses the first line of its output. Its errors go to ours. */
export async function startReady<T>(script: string, args: readonly string[]): Promise<ReadyProcess<T>> {
  const nodeOptions = (process.env.DUST_BENCH_SERVER_NODE_OPTIONS ?? '').split(' ').filter(Boolean)
  const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A run that fails must not leave servers behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  // The scripts print what their interface says.
  const ready = JSON.parse(await firstLine(child, script)) as T
  return { ready, pid: child.pid ?? 0, close: () => stop(child) }
}

/** Runs a Node script to its end and parses its last line of output. */
export async function runToEnd<T>(script: string, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with code ${code}.`)
  // As above.
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T
}

function firstLine(child: ChildProcess, script: string): Promise<string> {
  const { stdout } = child
  if (!stdout) throw new Error('The process was started without a pipe.')
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`${script} ended with code ${code} before it was ready.`)))
  })
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

export interface DustAddress {
  readonly url: string
  readonly token: string
  readonly store: string
}

/** The Dust server as its command line starts it, in the data directory given or in one of its own that goes with it. */
export async function startDustServer(dataDir?: string): Promise<ReadyProcess<DustAddress>> {
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'dust-bench-server-')))
  const script = new URL('../../../packages/server/bin/dust-server.js', import.meta.url).pathname
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--data', directory, '--dev', '--json']
  const server = await startReady<DustAddress>(script, args)
  return {
    ...server,
    async close() {
      await server.close()
      if (dataDir === undefined) await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
