import type { Replica } from '@dustlayer/replica'
import type { Issued } from '../client/issued.js'
import { Violation } from '../violation.js'

/** I7: a refused op is on the list of refused writes until the app takes it off, and no other op is. */
export function checkRefusals(client: number, { all, takenOff }: Issued, replica: Replica): void {
  const expected = all
    .filter(({ opId }) => replica.verdict(opId)?.state === 'rejected' && !takenOff.has(opId))
    .map(({ opId }) => opId)
  const actual = replica.rejections().map(({ opId }) => opId)
  if (expected.sort().join() === [...actual].sort().join()) return
  throw new Violation(
    'I7',
    `Client ${client} lists ${actual.join(', ') || 'nothing'} as refused; refused were ${expected.join(', ') || 'none'}.`,
  )
}
