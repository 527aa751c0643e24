/** Where the store is, and what opens it. */
export interface Config {
  readonly url: string
  readonly token: string
  readonly store: string
}

const KEY = 'dust-tasks:config'

/**
 * Asks the server that serves this page for `GET /dust.json`, and remembers the answer: with the server down, the page
 * opens with what it knew last. The token is one of a development server; an app with accounts would get it from its sign-in.
 * @throws Error when there is neither a server nor an earlier visit.
 */
export async function loadConfig(): Promise<Config> {
  const remembered = recall()
  // With a config at hand, a server that does not answer must not hold the page up.
  const signal = AbortSignal.timeout(remembered ? 1_500 : 10_000)
  const fetched = await fetchConfig(signal).catch((cause: unknown) => {
    if (remembered) return remembered
    throw new Error(
      'This is the first visit, and the server does not answer. Start it, then reload this page.',
      { cause },
    )
  })
  localStorage.setItem(KEY, JSON.stringify(fetched))
  return fetched
}

async function fetchConfig(signal: AbortSignal): Promise<Config> {
  const response = await fetch('/dust.json', { cache: 'no-store', signal })
  if (!response.ok) throw new Error(`GET /dust.json answered ${response.status}`)
  const config = parseConfig(await response.json())
  if (config === undefined) throw new Error('GET /dust.json answered without url, token and store')
  return config
}

function recall(): Config | undefined {
  try {
    return parseConfig(JSON.parse(localStorage.getItem(KEY) ?? 'null'))
  } catch {
    return undefined
  }
}

/** Reads a config from parsed JSON; `undefined` when a part is missing. */
export function parseConfig(json: unknown): Config | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { url, token, store } = json as Partial<Record<keyof Config, unknown>>
  if (typeof url !== 'string' || typeof token !== 'string' || typeof store !== 'string') return undefined
  return { url, token, store }
}
