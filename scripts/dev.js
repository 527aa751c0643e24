// pnpm dev: the server in dev mode, and Vite's dev server for the task board in front of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { choosePort, startServer, stopOnSignal } from './serve.js'
import { runCommand } from './setup/command.js'
import { createProgress } from './setup/progress.js'
import { projectRoot } from './setup/project.js'
import { reportFailure } from './setup/setup.js'
import { SetupError } from './setup/setup-error.js'

const progress = createProgress({ verbose: process.argv.includes('--verbose') })

try {
  await progress.step('Build packages', async () => {
    const { code, output } = await runCommand('pnpm', ['run', 'build:packages'], { cwd: projectRoot })
    if (code !== 0) throw new SetupError('The build failed: see the messages above.', output)
  })
  const server = await startServer({ port: await choosePort(progress.note) })
  // The example's vite.config.ts passes the server's own paths on to DUST_SERVER.
  const vite = spawn(process.execPath, [join(projectRoot, 'node_modules/vite/bin/vite.js')], {
    cwd: join(projectRoot, 'examples/tasks'),
    env: { ...process.env, DUST_SERVER: server.ready.httpUrl },
    stdio: 'inherit',
    detached: true,
  })
  const viteEnded = once(vite, 'exit')
  process.on('exit', () => vite.kill('SIGKILL'))
  stopOnSignal(async () => {
    vite.kill('SIGTERM')
    await Promise.all([viteEnded, server.stop()])
  })
  progress.note(
    `The server is at ${server.ready.httpUrl} (restart this command after changing it); the page is at:`,
  )
  await Promise.race([viteEnded, server.ended])
  await server.stop()
} catch (error) {
  reportFailure(error, { verbose: false })
  process.exitCode = 1
}
