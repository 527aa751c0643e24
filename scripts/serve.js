import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from './setup/project.js'
import { SetupError } from './setup/setup-error.js'

/**
 * The line that `dust-server serve --json` prints when it is ready.
 * @typedef {object} Ready
 * @property {string} url the WebSocket address
 * @property {string} httpUrl
 * @property {string} token
 * @property {string} store
 */

/**
 * @typedef {object} RunningServer
 * @property {Ready} ready
 * @property {() => Promise<void>} stop asks the server to finish what it has and waits until it is gone
 * @property {Promise<number>} ended its exit code
 */

/**
 * Starts the built server in dev mode on 127.0.0.1, with its data in .dust, and waits until it serves.
 * @param {{ port: number, app?: string }} options `app` is a folder to serve at `/`; port 0 takes any free port
 * @returns {Promise<RunningServer>}
 */
export async function startServer({ port, app }) {
  const bin = join(projectRoot, 'packages/server/bin/dust-server.js')
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--data', '.dust', '--dev', '--json']
  const child = spawn(process.execPath, [bin, ...args, ...(app === undefined ? [] : ['--app', app])], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
    // In a process group of its own the server gets one signal, from us, instead of a second one from the terminal.
    detached: true,
  })
  const killServer = () => child.kill('SIGKILL')
  process.on('exit', killServer)
  const ended = once(child, 'exit').then(([code]) => {
    process.off('exit', killServer)
    return Number(code ?? 128)
  })

  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line').then(([line]) => String(line)), ended])
  if (typeof first === 'number') {
    throw new SetupError(`The server ended with code ${first} before it was ready: its message is above.`)
  }
  lines.on('line', (line) => process.stdout.write(`${line}\n`))
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { ready: JSON.parse(first), stop, ended }
}

/**
 * Stops everything on the first Ctrl-C (or SIGTERM) and ends this process; a second one does not wait.
 * @param {() => Promise<void>} stop
 */
export function stopOnSignal(stop) {
  let stopping = false
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      stop().then(
        () => process.exit(0),
        (error) => {
          process.stderr.write(`${error}\n`)
          process.exit(1)
        },
      )
    })
  }
}

/**
 * The port to serve on: PORT or 7755, or 0 (any) when that one is taken.
 * @param {(text: string) => void} note
 * @returns {Promise<number>}
 */
export async function choosePort(note) {
  const wanted = Number(process.env.PORT || 7755)
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new SetupError(
      `PORT is ${process.env.PORT}, which is not a port: set it to a number from 0 to 65535.`,
    )
  }
  if (await isFree(wanted)) return wanted
  note(`Port ${wanted} is busy, so the server takes another (PORT=8080 npm start would choose 8080).`)
  return 0
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
