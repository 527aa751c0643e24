// npm start: from a fresh clone to a running server with the task board at its address.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { choosePort, startServer, stopOnSignal } from './serve.js'
import { createProgress } from './setup/progress.js'
import { projectRoot } from './setup/project.js'
import { buildProject, reportFailure, setUp } from './setup/setup.js'
import { SetupError } from './setup/setup-error.js'

const verbose = process.argv.includes('--verbose')
const progress = createProgress({ verbose })
const app = 'examples/tasks/dist'

try {
  const pnpm = await setUp(progress)
  await buildProject(progress, pnpm)
  if (!existsSync(join(projectRoot, app))) {
    throw new SetupError(`The build left no ${app}: run "npm start -- --verbose" to see what it did.`)
  }
  const port = await choosePort(progress.note)
  const server = await progress.step('Start the server', () => startServer({ port, app }))
  stopOnSignal(server.stop)
  progress.note(`
Dust is running. Open ${server.ready.httpUrl} in two browser windows and edit on both sides.
Data is in .dust, Ctrl-C stops the server.
`)
  process.exitCode = await server.ended
} catch (error) {
  reportFailure(error, { verbose })
  process.exitCode = 1
}
