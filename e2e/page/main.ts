import { createDust, type Dust, type DustEvent, type DustOptions, type Store } from '@dustlayer/client'

/**
 * The page that the tests drive: one Dust and one store, opened as the query says, so that a reload opens the same.
 *
 * `?url=…&token=…&store=org/name`, `&format=msgpack` for the binary wire format, and `&storage=…`.
 */
declare global {
  interface Window {
    createDust: typeof createDust
    dust: Dust
    store: Store
    /** What `on('**')` has delivered since the page was loaded. */
    events: DustEvent[]
    /** Errors that no code of the page has caught. */
    uncaught: string[]
  }
}

const query = new URLSearchParams(location.search)

function required(name: string): string {
  const value = query.get(name)
  if (value === null) throw new Error(`The test page needs ?${name}=…`)
  return value
}

window.uncaught = []
window.addEventListener('error', ({ message }) => void window.uncaught.push(message))
window.addEventListener('unhandledrejection', ({ reason }) => void window.uncaught.push(String(reason)))

window.createDust = createDust
window.dust = createDust({
  url: required('url'),
  token: required('token'),
  ...(query.get('format') === 'msgpack' && { format: 'msgpack' as const }),
  // createDust() refuses what is none.
  storage: (query.get('storage') ?? undefined) as DustOptions['storage'],
})
window.store = window.dust.store(required('store'))
window.events = []
window.store.on('**', (event) => void window.events.push(event))
