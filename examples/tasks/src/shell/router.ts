export interface Route {
  readonly page: 'board' | 'world'
  /** What follows the page's name: `#/world/CHE` → `['CHE']`. */
  readonly rest: readonly string[]
}

/** Reads a route from a location hash; anything unknown is the board. */
export function parseRoute(hash: string): Route {
  const [page, ...rest] = hash.replace(/^#\/?/, '').split('/').filter(Boolean)
  return page === 'world' ? { page, rest: rest.map(decode) } : { page: 'board', rest: [] }
}

/** Calls `show` with the current route, now and at every change. */
export function startRouter(show: (route: Route) => void): void {
  const update = (): void => show(parseRoute(location.hash))
  addEventListener('hashchange', update)
  update()
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
