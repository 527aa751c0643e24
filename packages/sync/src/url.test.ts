import { OptionError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { displayUrl, socketUrl } from './url.js'

const PARAMETERS = { token: 'dust_tok_a', deviceId: 'dev_1', vsn: '2.0.0' }
const QUERY = 'token=dust_tok_a&device_id=dev_1&capver=3&vsn=2.0.0'

test.each([
  ['ws://h/ws/sync', `ws://h/ws/sync/websocket?${QUERY}`],
  ['ws://h/ws/sync/websocket', `ws://h/ws/sync/websocket?${QUERY}`],
  ['ws://h/ws/sync/', `ws://h/ws/sync/websocket?${QUERY}`],
  ['ws://h/ws/sync/websocket/', `ws://h/ws/sync/websocket?${QUERY}`],
  ['wss://h:7755', `wss://h:7755/websocket?${QUERY}`],
  ['wss://[::1]:7755/ws/sync', `wss://[::1]:7755/ws/sync/websocket?${QUERY}`],
  ['http://h/ws/sync', `ws://h/ws/sync/websocket?${QUERY}`],
  ['HTTPS://h/ws/sync', `wss://h/ws/sync/websocket?${QUERY}`],
  ['ws://h/ws/sync?region=eu&x', `ws://h/ws/sync/websocket?region=eu&x&${QUERY}`],
  ['ws://h/ws/sync?token=old&vsn=1', `ws://h/ws/sync/websocket?${QUERY}`],
])('A14 %s is dialled with one /websocket, four parameters and its own query', (url, dialled) => {
  expect(socketUrl(url, PARAMETERS)).toBe(dialled)
})

test('A14 parameters are escaped', () => {
  expect(socketUrl('ws://h', { ...PARAMETERS, token: 'a&b=c d', deviceId: '' })).toContain(
    'token=a%26b%3Dc%20d&device_id=&',
  )
})

test.each(['', 'host/ws/sync', 'ftp://h/x', 'ws://', 'ws:///path', 'ws://h/x#part', 'ws://h /x'])(
  'the URL %j is refused',
  (url) => expect(() => socketUrl(url, PARAMETERS)).toThrow(OptionError),
)

test('messages show neither queries nor passwords', () => {
  expect(displayUrl('wss://user:secret@h/ws/sync?key=secret')).toBe('wss://h/ws/sync')
  expect(() => displayUrl('nonsense?key=secret')).toThrow('"nonsense?…"')
})
