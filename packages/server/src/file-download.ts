import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { isActive } from './open-store.js'
import { sendJson } from './respond.js'
import type { Services } from './services.js'
import type { StoredFile } from './storage.js'
import { authenticate, type Grant, refusal } from './token.js'

/**
 * `GET /api/files/<hash>` (spec/semantics.md §12). The blob must have been uploaded to a store that the token
 * reaches, and an entry there must still refer to it: knowing a hash is not enough.
 */
export function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  services: Services,
  name: string,
): void {
  const grant = bearerGrant(request, services)
  if (!grant) {
    sendJson(response, 401, { error: 'unauthorized' })
    return
  }
  // A colon in a path may come escaped.
  const hash = name.replace(/%3a/i, ':')
  const file = findFile(services, grant, hash)
  if (!file) {
    sendJson(response, 403, { error: 'forbidden' })
    return
  }
  const bytes = services.blobs.open(hash)
  if (!bytes) {
    sendJson(response, 404, { error: 'not_found' })
    return
  }
  response.writeHead(200, {
    'Content-Type': file.contentType,
    'Content-Length': file.size,
    ...(file.filename !== null && { 'Content-Disposition': disposition(file.filename) }),
    // What users upload must not run as a page of this server.
    'Content-Security-Policy': 'sandbox',
  })
  if (request.method === 'HEAD') {
    bytes.destroy()
    response.end()
    return
  }
  pipeline(bytes, response, (error) => {
    if (error) services.logger.debug('a download ended early', { hash, error: error.message })
  })
}

function bearerGrant(request: IncomingMessage, { catalog, clock }: Services): Grant | undefined {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return token === undefined ? undefined : authenticate(catalog, token, clock.now())
}

function findFile({ catalog, hub, clock }: Services, grant: Grant, hash: string): StoredFile | undefined {
  for (const record of catalog.uploads.storesWith(hash)) {
    if (!isActive(record, clock.now()) || refusal(grant, record, 'files:read')) continue
    const file = hub.open(record).storage.files.referenced(hash)
    if (file) return file
  }
  return undefined
}

function disposition(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\]/g, '_')
  return `inline; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(filename)}`
}
