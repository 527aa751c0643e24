import { afterEach, describe, expect, test } from 'vitest'
import { type Channel, createLocalChannels, type OpenChannel, openBroadcastChannel } from './channel.js'

const implementations: readonly (readonly [name: string, open: OpenChannel])[] = [
  ['within one realm', createLocalChannels()],
  ['over BroadcastChannel', openBroadcastChannel],
]

describe.each(implementations)('a channel %s', (_name, open) => {
  const ends: Channel[] = []
  let received: [end: string, message: unknown][] = []
  const join = (end: string, channel: string): Channel => {
    const joined = open(channel, (message) => received.push([end, message]))
    ends.push(joined)
    return joined
  }
  const until = async (count: number): Promise<void> => {
    while (received.length < count) await new Promise(setImmediate)
  }
  afterEach(() => {
    for (const end of ends.splice(0)) end.close()
    received = []
  })

  test('carries what is posted to all other ends of its name, in order, and to no others', async () => {
    const a = join('a', 'one')
    join('b', 'one')
    join('c', 'one')
    join('d', 'two')
    a.post(1)
    a.post({ two: 2n })
    await until(4)
    expect(received.filter(([end]) => end === 'b')).toEqual([
      ['b', 1],
      ['b', { two: 2n }],
    ])
    expect(new Set(received.map(([end]) => end))).toEqual(new Set(['b', 'c']))
  })

  test('carries copies, as they were when posted', async () => {
    const a = join('a', 'copies')
    join('b', 'copies')
    const message = { list: [1] }
    a.post(message)
    message.list.push(2)
    await until(1)
    expect(received).toEqual([['b', { list: [1] }]])
  })

  test('a closed end hears nothing more', async () => {
    const a = join('a', 'closing')
    const b = join('b', 'closing')
    join('c', 'closing')
    b.close()
    a.post(1)
    await until(1)
    expect(received).toEqual([['c', 1]])
  })
})
