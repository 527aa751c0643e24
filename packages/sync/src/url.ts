import { OptionError } from '@dustlayer/protocol'

/** The protocol version that this client speaks (spec/wire.md §12). */
const CAPVER = '3'

const SCHEMES: { readonly [scheme: string]: string } = { ws: 'ws', wss: 'wss', http: 'ws', https: 'wss' }

const URL_PARTS = /^([a-z]+):\/\/([^/?#\s]+)([^?#\s]*)(?:\?([^#\s]*))?$/i

export interface HandshakeParameters {
  readonly token: string
  readonly deviceId: string
  /** The serializer version of the codec. */
  readonly vsn: string
}

/**
 * The URL to dial: ends in exactly one `/websocket` and carries the four parameters of the handshake
 * (spec/wire.md §1). Other parameters of the given URL are kept; http and https are taken for ws and wss.
 * @throws OptionError when it is no such URL.
 */
export function socketUrl(url: string, { token, deviceId, vsn }: HandshakeParameters): string {
  const { scheme, host, path, query } = parseUrl(url)
  const ours = { token, device_id: deviceId, capver: CAPVER, vsn }
  const kept = query.split('&').filter((part) => part !== '' && !(nameOf(part) in ours))
  const added = Object.entries(ours).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return `${scheme}://${host}${withSocketSuffix(path)}?${[...kept, ...added].join('&')}`
}

/** The URL without its query, for messages: queries hold secrets. */
export function displayUrl(url: string): string {
  const { scheme, host, path } = parseUrl(url)
  return `${scheme}://${host.replace(/^.*@/, '')}${path}`
}

interface UrlParts {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
}

function parseUrl(url: unknown): UrlParts {
  const [, given = '', host = '', path = '', query = ''] =
    (typeof url === 'string' && URL_PARTS.exec(url)) || []
  const scheme = SCHEMES[given.toLowerCase()]
  if (scheme === undefined || host === '') {
    throw new OptionError(
      `url must be a WebSocket or HTTP address without a fragment, such as "wss://host/ws/sync"; got ${describe(url)}.`,
    )
  }
  return { scheme, host, path, query }
}

/** Enough to recognise a wrong value, and nothing of a query. */
function describe(url: unknown): string {
  return typeof url === 'string' ? `"${url.replace(/[?#].*$/s, '?…')}"` : typeof url
}

function withSocketSuffix(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed.endsWith('/websocket') ? trimmed : `${trimmed}/websocket`
}

function nameOf(parameter: string): string {
  return parameter.split('=', 1)[0] ?? ''
}
