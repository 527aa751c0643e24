import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DevAccess, serveDevInfo } from './dev-info.js'
import { serveFile } from './file-download.js'
import { decideHandshake, SOCKET_PATH } from './handshake.js'
import { describeError } from './log.js'
import type { OriginPolicy } from './origin.js'
import { allowOrigin, pathOf, sendJson } from './respond.js'
import type { Services } from './services.js'
import type { StaticApp } from './static-app.js'

export interface HttpOptions {
  readonly services: Services
  readonly origins: OriginPolicy
  readonly app: StaticApp | undefined
  /** What `GET /dust.json` hands out; null unless in development mode. */
  readonly devAccess: DevAccess | null
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** Everything that the server answers over plain HTTP. */
export function createRequestHandler(options: HttpOptions): RequestHandler {
  const { services, app, devAccess, origins } = options
  const route = (request: IncomingMessage, response: ServerResponse) => {
    const path = pathOf(request)
    if (path === SOCKET_PATH) return serveProbe(request, response, options)
    const reading = request.method === 'GET' || request.method === 'HEAD'
    if (reading && path === '/healthz') return sendJson(response, 200, { status: 'ok' })
    if (reading && path === '/readyz') return serveReadiness(response, services)
    if (reading && path.startsWith('/api/files/')) {
      return serveFile(request, response, services, path.slice('/api/files/'.length))
    }
    if (devAccess && reading && path === '/dust.json')
      return serveDevInfo(request, response, devAccess, origins)
    if (reading && app) return app(request, response)
    sendJson(response, 404, { error: 'not_found' })
  }
  return (request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff')
    try {
      route(request, response)
    } catch (error) {
      services.logger.error('a request failed', { path: pathOf(request), error: describeError(error) })
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { error: 'internal' })
    }
  }
}

/**
 * A browser cannot see why a WebSocket was refused. A plain GET of the same URL tells: 426 when the handshake
 * would succeed, else 403 with the reason (docs/decisions/0023).
 */
function serveProbe(
  request: IncomingMessage,
  response: ServerResponse,
  { services, origins }: HttpOptions,
): void {
  if (request.method !== 'GET') {
    response.writeHead(400, { 'Content-Length': '0' })
    response.end()
    return
  }
  allowOrigin(request, response, origins)
  const handshake = decideHandshake(request, { ...services, origins })
  if (!handshake.ok) {
    sendJson(response, 403, { reason: handshake.reason })
    return
  }
  response.setHeader('Upgrade', 'websocket')
  sendJson(response, 426, { ok: true })
}

function serveReadiness(response: ServerResponse, { catalog, logger }: Services): void {
  try {
    catalog.check()
    sendJson(response, 200, { status: 'ok', checks: { database: 'ok' } })
  } catch (error) {
    logger.error('the catalog cannot be read', { error: describeError(error) })
    sendJson(response, 503, { status: 'unavailable', checks: { database: 'error' } })
  }
}
