import { type Frame, FrameError, jsonCodec, type Reply } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createSession } from './session.js'
import { createFakeTime } from './testing/fake-time.js'

const TOPIC = 'store:acme/app'
const OK: Reply = { status: 'ok', response: {} }

function setUp() {
  const sent: unknown[] = []
  const frames: Frame[] = []
  const session = createSession({
    link: { send: (data) => sent.push(data), close: () => {}, buffered: 0 },
    codec: jsonCodec,
    clock: createFakeTime().clock(),
    heartbeatDeadlineMs: 10_000,
    probeDeadlineMs: 3_000,
    busy: () => false,
    frame: (frame) => frames.push(frame),
    alive: () => {},
    silent: () => {},
    fault: () => {},
  })
  const answers: string[] = []
  const push = (joinRef: string, name: string, topic = TOPIC): string =>
    session.push({ joinRef, topic, event: 'write', payload: {} }, () => answers.push(name)).ref
  const answer = (joinRef: string, ref: string, topic = TOPIC): void =>
    session.receive(String(jsonCodec.encode([joinRef, ref, topic, 'phx_reply', OK])))
  return { session, sent, frames, answers, push, answer }
}

test('an answer is told once', () => {
  const { push, answer, answers } = setUp()
  const ref = push('1', 'a')
  for (const _ of [1, 2]) answer('1', ref)
  expect(answers).toEqual(['a'])
})

test('what was pushed in a join that is over is forgotten, and nothing else', () => {
  const { session, push, answer, answers } = setUp()
  const [old, other] = [push('1', 'old'), push('2', 'other')]
  session.forget('1')
  answer('1', old)
  answer('2', other)
  expect(answers).toEqual(['other'])
})

test('an answer on another topic is none', () => {
  const { push, answer, answers } = setUp()
  const ref = push('1', 'a')
  answer('1', ref, 'store:acme/other')
  expect(answers).toEqual([])
  answer('1', ref)
  expect(answers).toEqual(['a'])
})

test('an answer that cannot be read is left to its topic', () => {
  const { session, push, frames, answers } = setUp()
  const ref = push('1', 'a')
  session.receive(JSON.stringify(['1', ref, TOPIC, 'phx_reply', { status: 'perhaps' }]))
  expect([answers, frames.length]).toEqual([[], 1])
})

test('a message that servers would close the connection for is refused', () => {
  const { session, sent } = setUp()
  const payload = { value: 'x'.repeat(8_000_001) }
  expect(() => session.push({ joinRef: '1', topic: TOPIC, event: 'write', payload }, () => {})).toThrow(
    FrameError,
  )
  expect(sent).toEqual([])
})
