import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from './json.js'
import { addMember, changeMembers, type MemberChange, removeMember } from './members.js'

const scalar = fc.constantFrom<JsonValue>(0, 1, 1n, '1', '', true, false, null, 2.5)
const member = fc.oneof(
  { weight: 9, arbitrary: scalar },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>([1], { a: 1 }) },
)
const change: fc.Arbitrary<MemberChange> = fc.record({ op: fc.constantFrom('add', 'remove'), value: member })

test('many changes of members are each of them, one after the other', () => {
  fc.assert(
    fc.property(fc.array(member), fc.array(change), (members, changes) => {
      const expected = changes.reduce<readonly JsonValue[]>(
        (list, { op, value }) => (op === 'add' ? addMember(list, value) : removeMember(list, value)),
        members,
      )
      expect(changeMembers(members, changes)).toEqual(expected)
    }),
    { numRuns: 2_000 },
  )
})
