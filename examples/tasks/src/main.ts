import { startApp } from './app.js'
import { createFrame } from './shell/frame.js'
import './styles/base.css'
import './styles/frame.css'
import './styles/board.css'
import './styles/task.css'
import './styles/status.css'
import './styles/world.css'

const frame = createFrame(document.body)

startApp(frame).catch((error: unknown) => {
  frame.say('The board could not be opened', error instanceof Error ? error.message : String(error))
})
