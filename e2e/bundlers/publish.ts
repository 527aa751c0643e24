import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { hostPage, type PageHost } from '../support/page-host.js'

/**
 * Runs the commands in the app's directory. When they have ended, what they left in `dist/` is served; commands that
 * serve the page themselves print its address, and run until `close`.
 */
export async function publish(directory: string, commands: string): Promise<PageHost> {
  // With paths of this workspace in NODE_PATH, bundlers find packages that the app does not have.
  const { NODE_PATH: _, ...inherited } = process.env
  const path = `${join(directory, 'node_modules/.bin')}${delimiter}${process.env.PATH}`
  const child = spawn('sh', ['-ec', commands], {
    cwd: directory,
    env: { ...inherited, PATH: path, PORT: '0', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, since the shell's end is not its children's.
    detached: true,
  })
  let said = ''
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const address = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += stripVTControlCharacters(text)
        const origin = said.match(/http:\/\/(?:localhost|127\.0\.0\.1):\d+(?=\D)/)?.[0]
        if (origin) resolve(origin)
      })
    }
  })
  const first = await Promise.race([exited, address])
  if (typeof first === 'string') {
    return {
      origin: first,
      async close() {
        const gone = child.exitCode !== null || child.signalCode !== null
        // The whole group, while its first process is there to own the number.
        if (child.pid !== undefined && !gone) process.kill(-child.pid, 'SIGTERM')
        await exited
      },
    }
  }
  if (first !== 0) throw new Error(`The commands ended with ${first}:\n${commands}\n${said}`)
  return hostPage(join(directory, 'dist'))
}
