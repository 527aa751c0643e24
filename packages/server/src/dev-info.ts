import type { IncomingMessage, ServerResponse } from 'node:http'
import { SOCKET_BASE_PATH } from './handshake.js'
import { hostnameOf, isLoopback, type OriginPolicy } from './origin.js'
import { allowOrigin, sendJson } from './respond.js'

/** What a page needs, besides the URL, to connect to a server in development mode. */
export interface DevAccess {
  readonly token: string
  readonly store: string
}

/**
 * `GET /dust.json`. It hands out a token, so only pages of this server or of this machine get it. The Host must be
 * an address or loopback name: a name that somebody else's name server points here would make any page "ours".
 */
export function serveDevInfo(
  request: IncomingMessage,
  response: ServerResponse,
  access: DevAccess,
  origins: OriginPolicy,
): void {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  const hostname = hostnameOf(host)
  const trusted = hostname !== undefined && (isLoopback(hostname) || isAddress(hostname))
  const crossSite = site === 'cross-site' && origin === undefined
  if (!trusted || crossSite || !origins.allows(origin, host)) {
    sendJson(response, 403, { error: 'forbidden' })
    return
  }
  allowOrigin(request, response, origins)
  sendJson(response, 200, { url: `ws://${host}${SOCKET_BASE_PATH}`, ...access })
}

function isAddress(hostname: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname) || /^\[[0-9a-f:.]+\]$/i.test(hostname)
}
