import { expect, test } from 'vitest'
import { coverageFaults, renderDocument } from './document.js'
import { casesIn } from './titles.js'

const cases = [
  { id: 'A01', part: 'Handshake', target: 'S', given: 'a token', when: 'connect', outcome: '101' },
  { id: 'A02', part: 'Handshake', target: 'S', given: '', when: 'no token', outcome: '403' },
]
const tests = new Map([['A01', ['a.test.ts']]])

test('a case needs a test or a reason, and a reason must not outlive its cause', () => {
  expect(coverageFaults({ cases, tests, exceptions: {} })).toEqual([
    expect.stringMatching(/^A02 has neither/),
  ])
  expect(coverageFaults({ cases, tests, exceptions: { A02: 'why' } })).toEqual([])
  expect(coverageFaults({ cases, tests, exceptions: { A01: 'why', A02: 'why', Z99: 'why' } })).toHaveLength(2)
  expect(coverageFaults({ cases: [], tests, exceptions: {} })).toEqual([
    expect.stringContaining('does not exist'),
  ])
})

test('the document names the files, or the reason', () => {
  const text = renderDocument({ cases, tests, exceptions: { A02: 'no such thing' } })
  expect(text).toContain('| A01 | S | a token: connect → 101 | `a.test.ts` |')
  expect(text).toContain('no test: no such thing')
})

test('cases are named at the beginning of a title, in every form of a test', () => {
  const source = [
    "test('A01 one', () => {})",
    "test.each([['A02 A03 two', 1]])('%s', () => {})",
    'test(`B04–B06 a range`, () => {})',
    "test('of no case, such as C01', () => {})",
  ].join('\n')
  expect([...casesIn(source)]).toEqual(['A01', 'A02', 'A03', 'B04', 'B05', 'B06'])
})
