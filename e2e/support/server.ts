import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BIN = fileURLToPath(new URL('../../packages/server/bin/dust-server.js', import.meta.url))

/** What `serve --json` prints when the server is ready. */
export interface ServerInfo {
  readonly url: string
  readonly httpUrl: string
  readonly token: string
  readonly store: string
}

/** The real server in a process of its own, with a data directory of its own. */
export interface DustServer extends ServerInfo {
  /** SIGTERM, as an operator stops it; resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL, as a crash; resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port and data. */
  start(): Promise<void>
  /** Another token for the store, good for so many seconds; made as an operator does, beside the running server. */
  newToken(ttlSeconds: number): Promise<string>
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

export interface ServerOptions {
  /** A directory of static files to serve at `/`. */
  readonly app?: string
}

export async function startServer(options: ServerOptions = {}): Promise<DustServer> {
  const data = await mkdtemp(join(tmpdir(), 'dust-server-'))
  let running = await launch(data, 0, options)
  const { info } = running
  const port = Number(new URL(info.httpUrl).port)
  return {
    ...info,
    stop: () => running.end('SIGTERM'),
    kill: () => running.end('SIGKILL'),
    async start() {
      running = await launch(data, port, options)
    },
    async newToken(ttlSeconds) {
      const grant = ['--store', info.store, '--scopes', 'entries:read,entries:write']
      const args = [BIN, 'token', 'create', '--data', data, '--ttl', String(ttlSeconds), ...grant]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      return stdout.trim()
    },
    async dispose() {
      await running.end('SIGKILL')
      await rm(data, { recursive: true, force: true })
    },
  }
}

interface Running {
  readonly info: ServerInfo
  end(signal: NodeJS.Signals): Promise<void>
}

async function launch(data: string, port: number, { app }: ServerOptions): Promise<Running> {
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--data', data, '--dev', '--json']
  if (app !== undefined) args.push('--app', app)
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const info = await readInfo(child)
  return {
    info,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await gone
    },
  }
}

/** The first line of JSON on standard output; a server that ends before it is an error with what it said. */
function readInfo(child: ChildProcess): Promise<ServerInfo> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('The server was started without pipes')
  let said = ''
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`The server ended (${signal ?? code}) before it was ready:\n${said}`))
    })
    createInterface({ input: stdout }).once('line', (line) => {
      try {
        resolve(JSON.parse(line))
      } catch (cause) {
        reject(new Error(`The server's first line is not JSON: ${line}`, { cause }))
      }
      // Whatever follows is read and let go, so that a full pipe never stops the server.
      stdout.resume()
    })
  })
}
