import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OriginPolicy } from './origin.js'

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] as string
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}

/** Pages of allowed origins may read the answer. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse, origins: OriginPolicy): void {
  const { origin, host } = request.headers
  response.setHeader('Vary', 'Origin')
  if (origin !== undefined && origins.allows(origin, host)) {
    response.setHeader('Access-Control-Allow-Origin', origin)
  }
}
