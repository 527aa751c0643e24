import type { FramePayload } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, STORE } from './testing/world.js'

// Cases of the conformance list that are about the whole client, from the write to the answer and back.

const TOPIC = `store:${STORE}`
const DECIMAL = { _type: 'decimal', _typed: '29.990' }

function event(seq: number, value: FramePayload[string]): FramePayload {
  return {
    store_seq: seq,
    op: 'set',
    path: 'price',
    path_segments: ['price'],
    value,
    device_id: 'dev_other',
    client_op_id: `op_x${seq}`,
  }
}

test('C26 a decimal that is replayed as bare text can be read, and does not replace the live envelope', () => {
  const world = createWorld()
  world.server.withholdComplete = true
  world.time.advance(10)
  const { peer } = world.network
  peer().send(['1', null, TOPIC, 'event', event(1, '29.990')])
  world.time.advance(10)
  expect(world.replica.entry('price')).toMatchObject({ value: '29.990', type: 'string' })
  peer().send([null, null, TOPIC, 'event', event(2, DECIMAL)])
  peer().send(['1', null, TOPIC, 'event', event(2, '29.990')])
  peer().send(['1', null, TOPIC, 'catch_up_complete', { through_seq: 2 }])
  world.time.advance(10)
  expect(world.replica.entry('price')).toMatchObject({ value: DECIMAL, type: 'decimal', revision: 2 })
  expect(world.problems).toEqual([])
})

test('I03 an ack that is lost: the echo settles the write, and it is not sent again', () => {
  const world = createWorld()
  world.settle()
  world.server.withholdAnswers = true
  world.put('a', 1)
  world.time.advance(100)
  expect(world.replica.verdict('op_1')).toMatchObject({ state: 'committed', revision: 1 })
  expect(world.replica.pending().count).toBe(0)
  world.time.advance(120_000)
  expect(world.server.effects).toEqual(['op_1'])
})

test('I18 a write with ifMatch that was queued offline: a conflict undoes it and says what it is', () => {
  const world = createWorld()
  world.server.foreign({ op: 'set', path: 'k', value: 1, opId: 'x1' })
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  world.time.advance(10)
  world.write({ op: 'set', path: 'k', value: 'mine', ifMatch: 1 })
  expect(world.replica.get('k')).toBe('mine')
  world.server.foreign({ op: 'set', path: 'k', value: 2, opId: 'x2' })
  world.network.unreachable = false
  world.settle()
  expect(world.replica.verdict('op_1')).toMatchObject({
    state: 'rejected',
    error: { name: 'ConflictError', code: 'conflict' },
  })
  expect(world.replica.get('k')).toBe(2)
})

test('I18 without a conflict it holds', () => {
  const world = createWorld()
  world.server.foreign({ op: 'set', path: 'k', value: 1, opId: 'x1' })
  world.settle()
  world.online.set(false)
  world.network.cut()
  world.write({ op: 'set', path: 'k', value: 'mine', ifMatch: 1 })
  world.online.set(true)
  world.settle()
  expect(world.server.model.read('k')).toBe('mine')
})

test('I22 where the result of the server differs from what was shown, subscribers are told', () => {
  const world = createWorld()
  world.settle()
  const told: unknown[] = []
  world.replica.onEvents((events) => {
    for (const { path, value, correctionFor } of events)
      if (correctionFor) told.push({ path, value, correctionFor })
  })
  world.server.foreign({ op: 'add', path: 'tags', value: 'theirs', opId: 'x1' }, { hidden: true })
  world.write({ op: 'add', path: 'tags', value: 'mine' })
  expect(world.replica.get('tags')).toEqual(['mine'])
  world.settle()
  expect(world.replica.get('tags')).toEqual(['mine', 'theirs'])
  expect(told).toContainEqual({ path: 'tags', value: ['mine', 'theirs'], correctionFor: 'op_1' })
})
