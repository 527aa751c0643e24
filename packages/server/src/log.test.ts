import { expect, it } from 'vitest'
import { createLogger } from './log.js'

it('what clients say cannot command the terminal of whoever reads the log', () => {
  const lines: string[] = []
  const logger = createLogger({ write: (line) => lines.push(line), form: 'text', level: 'debug' })
  logger.debug('connected', { deviceId: 'd\u001b[2J\u009b1m', format: undefined })
  logger.error('failed', { error: 'Error: why\n\tat there' })
  expect(lines).toEqual(['connected  deviceId=d\ufffd[2J\ufffd1m', 'failed  error=Error: why\n\tat there'])
})
