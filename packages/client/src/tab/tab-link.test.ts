import { expect, test } from 'vitest'
import type { News } from './news.js'
import { createTabLink } from './tab-link.js'
import { type Build, TAB_PROTOCOL, type ToLeader, type ToTab } from './tab-protocol.js'

const LIVE = { kind: 'live', store: 'o/s', query: { id: 1, store: 'o/s', pattern: '*' } } as const

const BUILD: Build = { v: TAB_PROTOCOL, schema: 1 }

function setUp() {
  const news: News[] = []
  const devices: unknown[] = []
  const link = createTabLink({
    build: BUILD,
    persistent: false,
    onNews: (one) => news.push(one),
    onWaiting: () => undefined,
    onServed: () => undefined,
    onDevice: (device) => devices.push(device),
    onRemoved: () => devices.push('removed'),
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
  /** What a leader says beside flushes. */
  const tell = (leader: string, body: object): void =>
    // The body given completes the message.
    link.receive({ ...BUILD, leader, epoch: 1, ...body } as ToTab)
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) link.look(false)
  }
  return { news, devices, link, follow, receive, tell, look }
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

const foretelling = (id: string, from: string, at: string) => ({
  kind: 'foretell',
  store: 'o/s',
  id,
  from,
  at,
  events: [{ event: id, to: [1] }],
})

test('what an earlier leader told arrives late: it counts, and the present one is told, until that one serves', async () => {
  const { link, news, follow, receive, tell } = setUp()
  follow('first', 1)
  const answered = link.calls([LIVE])
  const sent = follow('second', 2)
  receive('first', 1, {
    answers: [{ batch: 1, results: [{ ok: true, value: null }] }],
    positions: [{ store: 'o/s', at: 'late' }],
    live: [update],
  })
  expect(await answered).toEqual([{ ok: true, value: null }])
  expect(news).toMatchObject([{ live: [update] }])
  tell('first', foretelling('one', 'late', 'later'))
  expect(sent.slice(-2)).toMatchObject([
    { kind: 'hello', seen: [{ at: 'late' }], foretold: [] },
    { kind: 'hello', seen: [{ at: 'late' }], foretold: [{ id: 'one', from: 'late', at: 'later' }] },
  ])
})

test('once the present leader serves, changes that an earlier one told come to nothing, and its answers count', async () => {
  const { link, news, follow, receive, tell } = setUp()
  follow('first', 1)
  const answered = link.calls([LIVE])
  const sent = follow('second', 2)
  tell('second', { kind: 'serving', device: 'dev' })
  receive('first', 1, {
    answers: [{ batch: 1, results: [{ ok: true, value: null }] }],
    positions: [{ store: 'o/s', at: 'late' }],
    live: [update],
  })
  tell('first', foretelling('one', 'late', 'later'))
  expect(await answered).toEqual([{ ok: true, value: null }])
  expect(news).toEqual([])
  expect(sent.filter(({ kind }) => kind === 'hello')).toHaveLength(1)
  expect(follow('third', 3)).toMatchObject([{ kind: 'hello', seen: [], foretold: [] }])
})

test('what was foretold is told once the leader says that it came true, this one or the next', () => {
  const { news, follow, receive, tell } = setUp()
  follow('first', 1)
  receive('first', 1, { positions: [{ store: 'o/s', at: '0' }] })
  tell('first', foretelling('one', '0', '1'))
  tell('first', foretelling('two', '1', '2'))
  expect(news).toEqual([])
  receive('first', 2, { events: [{ foretold: 'one' }] })
  tell('first', foretelling('three', '2', '3'))
  expect(follow('second', 2)).toMatchObject([{ foretold: [{ id: 'two' }, { id: 'three' }] }])
  receive('second', 1, { events: [{ foretold: 'two' }], positions: [{ store: 'o/s', at: '2' }] })
  expect(news.map(({ events }) => events)).toEqual([[{ event: 'one', to: [1] }], [{ event: 'two', to: [1] }]])
  // What did not come true is forgotten.
  expect(follow('third', 3)).toMatchObject([{ seen: [{ at: '2' }], foretold: [] }])
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

const GET = { kind: 'get', store: 'o/s', path: 'k' } as const
const WRITE = {
  kind: 'write',
  store: 'o/s',
  op: { op: 'delete', path: 'k', value: null, opId: 'op_1' },
} as const
/** So many looks take 30 s. */
const LOOKS = 60

test('calls that nobody serves are taken back from the leader that has them; what they register stands', async () => {
  const { link, follow, tell, look } = setUp()
  const sent = follow('first', 1)
  const answered = link.calls([LIVE, GET, WRITE])
  look(LOOKS - 1)
  expect(sent.slice(2)).toEqual([])
  look(1)
  expect(sent.slice(2)).toMatchObject([{ kind: 'forget', batches: [1] }])
  tell('first', { kind: 'forgotten', batches: [1] })
  const results = await answered
  expect(results.map(({ ok }) => ok)).toEqual([true, false, false])
  expect(JSON.stringify(results)).not.toContain('may have been made')
  expect(sent.slice(3)).toMatchObject([{ kind: 'hello', liveQueries: [LIVE.query] }])
})

test('a leader that does not even say that it forgets is waited for no longer; a write may have been made by it', async () => {
  const { link, follow, look } = setUp()
  follow('first', 1)
  const answered = link.calls([GET, WRITE])
  look(LOOKS + 2)
  const errors = (await answered).map((result) => (result.ok ? '' : result.error.message))
  expect(errors[0]).not.toContain('may have been made')
  expect(errors[1]).toContain('may have been made')
})

test('the time of calls begins anew when the leader serves, and when it falls silent', async () => {
  const { link, follow, tell, look } = setUp()
  const sent = follow('first', 1)
  void link.calls([GET])
  look(LOOKS - 1)
  tell('first', { kind: 'serving', device: null })
  look(LOOKS)
  expect(sent).toHaveLength(2)
  for (let i = 0; i < LOOKS; i++) link.look(true)
  expect(sent.slice(2)).toMatchObject([{ kind: 'forget' }])
})

test('who leaves takes its calls back, and sends them to the next', () => {
  const { link, follow } = setUp()
  const sent: ToLeader[] = []
  const port = (message: ToLeader) => void sent.push(message)
  link.enter('tab_1')
  link.follow('first', 1, port)
  void link.calls([GET])
  link.unfollow(port)
  link.enter('tab_2')
  expect(sent.at(-1)).toMatchObject({ kind: 'forget', from: 'tab_1', batches: [1] })
  expect(follow('first', 1)).toMatchObject([
    { kind: 'hello', from: 'tab_2' },
    { kind: 'calls', from: 'tab_2', again: true },
  ])
})

test('a tab knows whose copy it shows, and when it is another one', () => {
  const { link, devices, follow, tell } = setUp()
  follow('first', 1)
  tell('first', { kind: 'serving', device: null })
  tell('first', { kind: 'serving', device: 'dev_1' })
  tell('first', { kind: 'serving', device: 'dev_1' })
  expect([link.device, devices]).toEqual(['dev_1', ['dev_1']])
  follow('second', 2)
  tell('second', { kind: 'serving', device: 'dev_2' })
  expect([link.device, devices]).toEqual(['dev_1', ['dev_1', 'removed']])
})

test('a call that silenced three leaders is not sent to a fourth; what waits for the server is', async () => {
  const { link, follow, receive } = setUp()
  const put = { kind: 'write', store: 'o/s', op: { op: 'set', path: 'k', value: 1, opId: 'op_1' } } as const
  const synced = { kind: 'synced', store: 'o/s', id: 'call_1' } as const
  const poison = link.calls([{ kind: 'enum', store: 'o/s', pattern: '**', options: {} }, LIVE, put])
  void link.calls([synced])
  for (const [epoch, leader] of ['first', 'second', 'third'].entries()) {
    expect(follow(leader, epoch)).toHaveLength(3)
    receive(leader, 1, {})
    for (let look = 0; look < 5; look++) link.look(true)
  }
  expect(follow('fourth', 4).slice(1)).toMatchObject([{ kind: 'calls', calls: [synced], again: true }])
  const [listing, live, write] = await poison
  expect(listing).toMatchObject({ ok: false, error: { message: expect.stringContaining('not tried again') } })
  // What listens goes on, by what the next leader is told.
  expect(live).toMatchObject({ ok: true })
  expect(write).toMatchObject({ ok: false, error: { message: expect.stringContaining('made all the same') } })
})

test('leaders that went in the ordinary way are no reason to give a call up', () => {
  const { link, follow, receive } = setUp()
  void link.calls([LIVE])
  for (let epoch = 1; epoch < 10; epoch++) {
    expect(follow(`leader ${epoch}`, epoch)).toHaveLength(2)
    receive(`leader ${epoch}`, 1, {})
    link.look(false)
  }
})
