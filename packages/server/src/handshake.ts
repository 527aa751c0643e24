import type { IncomingMessage } from 'node:http'
import type { Catalog } from './catalog.js'
import type { Clock } from './clock.js'
import { CAPVER } from './join.js'
import type { OriginPolicy } from './origin.js'
import { authenticate, type Grant } from './token.js'

/** Where clients connect; they are given the part before `/websocket` and append it (spec/wire.md §1). */
export const SOCKET_BASE_PATH = '/ws/sync'
export const SOCKET_PATH = `${SOCKET_BASE_PATH}/websocket`

export type Handshake =
  | {
      readonly ok: true
      readonly grant: Grant
      readonly deviceId: string
      readonly format: 'json' | 'msgpack'
    }
  | { readonly ok: false; readonly reason: 'bad_origin' | 'bad_version' | 'missing_parameter' | 'bad_token' }

/** Decides whether a client may connect, in the order of spec/wire.md §1. */
export function decideHandshake(
  request: IncomingMessage,
  {
    catalog,
    clock,
    origins,
  }: { readonly catalog: Catalog; readonly clock: Clock; readonly origins: OriginPolicy },
): Handshake {
  if (!origins.allows(request.headers.origin, request.headers.host))
    return { ok: false, reason: 'bad_origin' }
  const query = new URLSearchParams(request.url?.split('?', 2)[1] ?? '')
  const format = formatOf(query.get('vsn'))
  if (!format) return { ok: false, reason: 'bad_version' }
  const token = query.get('token')
  const deviceId = query.get('device_id')
  if (token === null || deviceId === null) return { ok: false, reason: 'missing_parameter' }
  const grant = authenticate(catalog, token, clock.now())
  if (!grant) return { ok: false, reason: 'bad_token' }
  if (capverOf(query.get('capver')) < CAPVER) return { ok: false, reason: 'bad_version' }
  return { ok: true, grant, deviceId, format }
}

function formatOf(vsn: string | null): 'json' | 'msgpack' | undefined {
  if (vsn === '3.0.0') return 'msgpack'
  return vsn !== null && /^2\.0\.\d+$/.test(vsn) ? 'json' : undefined
}

/** Whatever is no number counts as the first version. */
function capverOf(capver: string | null): number {
  return capver !== null && /^\d+$/.test(capver) ? Number(capver) : 1
}
