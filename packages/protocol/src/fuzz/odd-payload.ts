import type { FramePayload } from '../frame.js'
import type { JsonValue } from '../json.js'
import type { Random } from './random.js'

/** Every field that some parser looks for, so that random payloads get past the first check. */
const FIELDS = [
  ...['op', 'ops', 'path', 'path_segments', 'value', 'client_op_id', 'if_match', 'if_absent', 'fence', 'key'],
  ...[
    'token',
    'ttl_ms',
    'holder',
    'store_seq',
    'store_seqs',
    'op_index',
    'device_id',
    'snapshot_seq',
    'entries',
  ],
  ...[
    'from',
    'after',
    'last',
    'type',
    'seq',
    'events',
    'extensions',
    'incarnation',
    'snapshot',
    'reset',
    'digest',
  ],
  ...['reason', 'status', 'response', '_type', '_typed', 'retry_after_ms', 'scope', 'current_revision'],
  ...[
    'expires_at',
    'hash',
    'size',
    'content_type',
    'filename',
    'uploaded_at',
    '__proto__',
    'constructor',
    '',
  ],
]

const SCALARS: readonly JsonValue[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 7, 500, 1e21, 2 ** 53, 2n ** 64n, -(2n ** 80n), 2n ** 60n],
  ...['', 'a', 'a/b', 'b', 'a//b', '~', '~2', 'a~1b', '\u0000', '😀', '\uffff', '0123456789abcdef'],
  ...[
    'set',
    'delete',
    'merge',
    'increment',
    'add',
    'remove',
    'put_file',
    'lease',
    'renew',
    'release',
    'explode',
  ],
  ...[
    'file',
    'decimal',
    'datetime',
    '1.50',
    '2026-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    'batch',
    'digest',
  ],
]

/** A value of wild types, in which the fields of the protocol turn up where they belong and where they do not. */
function oddValue(random: Random, depth = 0): JsonValue {
  if (depth > 4 || random.chance(0.4)) return random.pick(SCALARS)
  if (random.chance(0.2)) return oddEnvelope(random)
  if (random.chance(0.4)) {
    return Array.from({ length: random.below(4) }, () => oddValue(random, depth + 1))
  }
  return oddPayload(random, depth + 1)
}

/** What reads as a typed value, mostly one that is malformed. */
function oddEnvelope(random: Random): JsonValue {
  const type = random.pick(['decimal', 'datetime', 'file', 'lease', 'unknown'])
  return { _type: type, _typed: random.pick(SCALARS), ...(random.chance(0.2) && oddPayload(random, 4)) }
}

/** An object of such values. */
export function oddPayload(random: Random, depth = 0): FramePayload {
  const fields = Array.from({ length: random.below(10) }, (): [string, JsonValue] => [
    random.pick(FIELDS),
    oddValue(random, depth + 1),
  ])
  return Object.fromEntries(fields)
}

/** A payload of a real frame with some of its fields, at any depth, replaced, left out or added. */
export function disturbed(random: Random, payload: FramePayload): FramePayload {
  const entries = Object.entries(payload).flatMap(([key, value]): [string, JsonValue][] => {
    if (random.chance(0.15)) return random.chance(0.5) ? [] : [[key, oddValue(random)]]
    return [[key, disturbedValue(random, value)]]
  })
  if (random.chance(0.2)) entries.push([random.pick(FIELDS), oddValue(random)])
  return Object.fromEntries(entries)
}

function disturbedValue(random: Random, value: JsonValue): JsonValue {
  if (random.chance(0.03)) return oddValue(random)
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) return disturbed(random, value)
  const items = value.map((item) => disturbedValue(random, item))
  return random.chance(0.1) ? [...items, ...items] : items
}
