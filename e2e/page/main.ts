import { createDust, type Dust, type DustEvent, type Store } from '@dustlayer/client'

/**
 * The page that the tests drive: one Dust and one store, opened as the query says, so that a reload opens the same.
 *
 * `?url=…&token=…&store=org/name`, and `&format=msgpack` for the binary wire format.
 */
declare global {
  interface Window {
    createDust: typeof createDust
    dust: Dust
    store: Store
    /** What `on('**')` has delivered since the page was loaded. */
    events: DustEvent[]
  }
}

const query = new URLSearchParams(location.search)

function required(name: string): string {
  const value = query.get(name)
  if (value === null) throw new Error(`The test page needs ?${name}=…`)
  return value
}

window.createDust = createDust
window.dust = createDust({
  url: required('url'),
  token: required('token'),
  ...(query.get('format') === 'msgpack' && { format: 'msgpack' as const }),
})
window.store = window.dust.store(required('store'))
window.events = []
window.store.on('**', (event) => void window.events.push(event))
