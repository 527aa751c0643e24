import type { WritePayload } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import type { Shipment } from './shipment.js'
import { createSuspects } from './suspects.js'

function shipment(position: number): Shipment {
  const id = `op_${position}`
  const payload: WritePayload = { op: 'delete', path: 'k', path_segments: ['k'], client_op_id: id }
  const op = { position, opId: id, payload, waitsFor: null, acked: false, batch: null }
  return { id, event: 'write', ops: [op], unsupported: false }
}

test('who is alone at the second crash is guilty, once', () => {
  const suspects = createSuspects()
  const [first, second] = [shipment(1), shipment(2)]
  suspects.crashed([first, second])
  expect([suspects.takeGuilty(), suspects.carefulThrough]).toEqual([[], 2])
  suspects.crashed([first])
  expect(suspects.takeGuilty()).toEqual([first])
  expect(suspects.takeGuilty()).toEqual([])
})

test.each([
  ['it was answered', (suspects: ReturnType<typeof createSuspects>) => suspects.answered('op_1')],
  ['it left the outbox otherwise', (suspects: ReturnType<typeof createSuspects>) => suspects.forgetBefore(2)],
])('a suspicion ends when %s', (_, end) => {
  const suspects = createSuspects()
  suspects.crashed([shipment(1)])
  end(suspects)
  suspects.crashed([shipment(1)])
  expect(suspects.takeGuilty()).toEqual([])
})
