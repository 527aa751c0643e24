import { expect, test } from 'vitest'
import { createTabLink } from './tab-link.js'
import { type Build, type News, TAB_PROTOCOL, type ToLeader, type ToTab } from './tab-protocol.js'

const LIVE = { kind: 'live', store: 'o/s', query: { id: 1, store: 'o/s', pattern: '*' } } as const

const BUILD: Build = { v: TAB_PROTOCOL, schema: 1 }

function setUp() {
  const news: News[] = []
  const link = createTabLink({
    tab: 'tab',
    build: BUILD,
    onNews: (one) => news.push(one),
    onWaiting: () => undefined,
    onRestart: () => undefined,
  })
  /** What has been sent to a leader that the tab follows from now on. */
  const follow = (leader: string, epoch: number): ToLeader[] => {
    const sent: ToLeader[] = []
    link.follow(leader, epoch, (message) => sent.push(message))
    return sent
  }
  const receive = (leader: string, flush: number, parts: object): void => {
    const empty = { answers: [], positions: [], present: [], events: [], live: [], dropped: [] }
    const message = { ...BUILD, leader, epoch: 1, kind: 'flush', flush, settled: [], reports: [] }
    // The parts given complete a flush.
    link.receive({ ...message, ...empty, ...parts } as ToTab)
  }
  return { news, link, follow, receive }
}

const update = { to: 1, full: true, put: [], prints: [], removed: [] }

test('a new leader is told what the tab listens to, and where the stores stood that it has heard of', async () => {
  const { link, follow, receive } = setUp()
  follow('first', 1)
  const answered = link.calls([LIVE])
  const at = [{ store: 'o/s', at: 'here' }]
  receive('first', 1, { answers: [{ batch: 1, results: [{ ok: true, value: null }] }], positions: at })
  await answered
  expect(follow('second', 2)).toMatchObject([{ kind: 'hello', liveQueries: [LIVE.query], seen: at }])
})

test('changes that an earlier leader told come to nothing, its answers count', async () => {
  const { link, news, follow, receive } = setUp()
  follow('first', 1)
  const answered = link.calls([LIVE])
  follow('second', 2)
  receive('first', 1, {
    answers: [{ batch: 1, results: [{ ok: true, value: null }] }],
    positions: [{ store: 'o/s', at: 'late' }],
    live: [update],
  })
  expect(await answered).toEqual([{ ok: true, value: null }])
  expect(news).toEqual([])
  expect(follow('third', 3)).toMatchObject([{ kind: 'hello', seen: [] }])
})

test('J08 the leader hears what the page has taken in, and now and then what has arrived', () => {
  const { link, follow, receive } = setUp()
  const sent = follow('first', 1)
  for (let flush = 7; flush < 7 + 129; flush++) receive('first', flush, {})
  expect(sent.slice(1)).toMatchObject([
    { kind: 'received', confirmed: 0, received: 71 },
    { kind: 'received', confirmed: 0, received: 135 },
  ])
  link.confirm({ leader: 'first', flush: 100 })
  link.confirm({ leader: 'another', flush: 120 })
  expect(sent.slice(3)).toMatchObject([{ kind: 'received', confirmed: 100, received: 135 }])
})
