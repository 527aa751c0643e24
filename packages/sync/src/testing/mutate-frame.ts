import type { Frame, FramePayload, JsonValue, Ref } from '@dustlayer/protocol'

/** What a fuzz test draws from. */
export interface Dice {
  /** A number in [0, 1). */
  random(): number
  below(limit: number): number
  pick<T>(items: readonly [T, ...T[]]): T
}

/** The same numbers for the same seed (mulberry32). */
export function createDice(seed: number): Dice {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(random() * limit)
  return {
    random,
    below,
    pick: (items) => items[below(items.length)] ?? items[0],
  }
}

const EVENTS = [
  'event',
  'events',
  'snapshot',
  'snapshot_chunk',
  'catch_up_complete',
  'phx_reply',
  'phx_close',
  'phx_error',
  'phx_join',
  'batch',
  'weather',
  '',
] as const

const ODD: readonly [JsonValue, ...JsonValue[]] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  2,
  7,
  0.5,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  1e300,
  2n ** 70n,
  '',
  'x',
  'a//b',
  'phx_reply',
  'rate_limited',
  'out_of_turn',
  'unauthorized',
  'ffffffffffffffff',
  [],
  [null],
  {},
  { reason: 'conflict' },
  { _type: 'decimal', _typed: 'x' },
]

/** The frame with one thing about it changed: still a frame, and of the same topic or of one that nobody has joined. */
export function mutateFrame(frame: Frame, dice: Dice): Frame {
  const [joinRef, ref, topic, event, payload] = frame
  switch (dice.below(8)) {
    case 0:
      return [oddRef(dice), ref, topic, event, payload]
    case 1:
      return [joinRef, oddRef(dice), topic, event, payload]
    case 2:
      return [joinRef, ref, topic, dice.pick(EVENTS), payload]
    case 3:
      return [joinRef, ref, dice.pick(['store:acme/nobody', 'store:', 'phoenix', '']), event, payload]
    case 4:
      return [joinRef, ref, topic, event, randomPayload(dice)]
    default:
      return [joinRef, ref, topic, event, mutatePayload(payload, dice)]
  }
}

/** A frame that no server would send. */
export function randomFrame(topic: string, dice: Dice): Frame {
  return [oddRef(dice), oddRef(dice), topic, dice.pick(EVENTS), randomPayload(dice)]
}

function oddRef(dice: Dice): Ref {
  return dice.pick([null, '1', '2', '3', String(dice.below(50)), dice.below(50), '', 'x'])
}

function randomPayload(dice: Dice): FramePayload {
  const fields = [
    'store_seq',
    'op',
    'path',
    'value',
    'status',
    'response',
    'entries',
    'events',
    'seq',
    'last',
  ] as const
  return Object.fromEntries(Array.from({ length: dice.below(6) }, () => [dice.pick(fields), dice.pick(ODD)]))
}

/** One member somewhere inside left out, or replaced. */
function mutatePayload(payload: FramePayload, dice: Dice): FramePayload {
  const [first, ...others] = Object.keys(payload)
  if (first === undefined) return randomPayload(dice)
  const key = dice.pick([first, ...others])
  const { [key]: member, ...rest } = payload
  if (dice.random() < 0.2) return rest
  return { ...payload, [key]: mutateValue(member ?? null, dice) }
}

function mutateValue(value: JsonValue, dice: Dice): JsonValue {
  if (typeof value === 'number' && dice.random() < 0.5) return value + dice.pick([-1, 1, 0.5, 1_000_000])
  if (typeof value !== 'object' || value === null || dice.random() < 0.2) return dice.pick(ODD)
  if (!Array.isArray(value)) return mutatePayload(value, dice)
  const at = dice.below(value.length)
  const member = value[at]
  if (member === undefined) return dice.pick(ODD)
  return dice.random() < 0.2
    ? value.filter((_, index) => index !== at)
    : value.map((each, index) => (index === at ? mutateValue(member, dice) : each))
}
