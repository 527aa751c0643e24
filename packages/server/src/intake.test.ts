import { beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createIntake, type Intake } from './intake.js'

describe('a peer is read from', () => {
  let reading: boolean
  let readyState: WebSocket['readyState']
  let intake: Intake
  beforeEach(() => {
    reading = true
    readyState = WebSocket.OPEN
    intake = createIntake({
      get readyState() {
        return readyState
      },
      pause() {
        reading = false
      },
      resume() {
        reading = true
      },
    })
  })

  it('until it has a thousand pushes unanswered, and again when half of them are answered', () => {
    const answered = Array.from({ length: 999 }, () => intake.pushed())
    expect(reading).toBe(true)
    answered.push(intake.pushed(), intake.pushed())
    expect(reading).toBe(false)
    for (const done of answered.splice(0, 500)) done()
    expect(reading).toBe(false)
    answered.pop()?.()
    expect(reading).toBe(true)
  })

  it('only when nothing holds it any more, however often a hold is let go', () => {
    const [first, second] = [intake.hold(), intake.hold()]
    first()
    first()
    expect(reading).toBe(false)
    second()
    expect(reading).toBe(true)
  })

  it('no more once the connection is closed', () => {
    const release = intake.hold()
    readyState = WebSocket.CLOSED
    release()
    expect(reading).toBe(false)
  })
})
