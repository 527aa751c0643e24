import { createDust } from '@dustlayer/client'

const dust = createDust({ url: 'wss://example.org/ws/sync', token: 'token' })
await dust.put('org/app', 'greeting', 'hello')
