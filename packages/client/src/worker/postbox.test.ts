import type { DustEvent } from '@dustlayer/replica'
import { expect, test } from 'vitest'
import type { StoreReport } from '../tab/status-report.js'
import { createPostbox, type Parcel } from './postbox.js'

function setUp() {
  const delivered: { tab: string; parcel: Parcel }[] = []
  const postbox = createPostbox({
    deliver: (tab, parcel) => delivered.push({ tab, parcel }),
    foretell: () => undefined,
    ownTab: 'own',
    leader: 'leader',
  })
  return { postbox, delivered }
}

const event: DustEvent = {
  store: 'o/s',
  path: 'a',
  op: 'set',
  value: 1,
  committed: true,
  source: 'server',
  own: false,
  catchUp: false,
}

// Only the store and which one it is count here.
const reportOf = (lastStoreSeq: number) => ({ store: 'o/s', lastStoreSeq }) as StoreReport

test('one turn is one message for each tab, an event for several subscriptions is in it once', async () => {
  const { postbox, delivered } = setUp()
  postbox.event('a', event, 1)
  postbox.event('a', event, 2)
  postbox.event('b', event, 1)
  await Promise.resolve()
  expect(delivered.map(({ tab, parcel }) => [tab, parcel.events])).toEqual([
    ['a', [{ event, to: [1, 2] }]],
    ['b', [{ event, to: [1] }]],
  ])
})

test('J08 what was sent counts until the page confirms it', () => {
  const { postbox, delivered } = setUp()
  for (let i = 0; i < 3; i++) {
    postbox.event('a', event, 1)
    postbox.flush()
  }
  expect([postbox.unconfirmed('a', 1), postbox.unconfirmed('a', 2), postbox.unconfirmed('b', 1)]).toEqual([
    3, 0, 0,
  ])
  postbox.received('a', { confirmed: delivered[1]?.parcel.flush ?? 0, received: 0 })
  expect(postbox.unconfirmed('a', 1)).toBe(1)
  postbox.dropTab('a')
  expect(postbox.unconfirmed('a', 1)).toBe(0)
})

test('what a tab confirms of before it left does not count for what it gets after', () => {
  const { postbox, delivered } = setUp()
  postbox.event('a', event, 1)
  postbox.flush()
  postbox.dropTab('a')
  postbox.event('a', event, 1)
  postbox.flush()
  postbox.received('a', { confirmed: delivered[0]?.parcel.flush ?? 0, received: 0 })
  expect(postbox.unconfirmed('a', 1)).toBe(1)
})

test('J08 a tab that receives nothing gets no more reports and positions, and the newest report when it is back', () => {
  const { postbox, delivered } = setUp()
  for (let i = 0; i < 1_000; i++) {
    postbox.report('a', reportOf(i), [1])
    postbox.position('a', { store: 'o/s', at: String(i) })
    postbox.flush()
  }
  const sent = delivered.length
  expect(sent).toBeLessThan(300)
  postbox.received('a', { confirmed: 0, received: delivered.at(-1)?.parcel.flush ?? 0 })
  postbox.flush()
  expect(delivered).toHaveLength(sent + 1)
  expect(delivered.at(-1)?.parcel.reports).toEqual([{ to: [1], report: reportOf(999) }])
})
