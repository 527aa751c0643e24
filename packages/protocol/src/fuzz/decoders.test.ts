import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Codec, createMsgpackCodec, jsonCodec } from '../codec.js'
import { FrameError } from '../errors.js'
import type { Frame } from '../frame.js'
import { mutateBytes, mutateText, randomBytes } from './mutate.js'
import { disturbed, oddPayload } from './odd-payload.js'
import { createRandom, type Random } from './random.js'
import { PAYLOAD_TARGETS, tolerate } from './targets.js'

/** DUST_FUZZ_SECONDS: how long each of the tests runs. DUST_FUZZ_SEED: repeats a run that failed. */
const seconds = Number(process.env.DUST_FUZZ_SECONDS ?? 1)
const firstSeed = Number(process.env.DUST_FUZZ_SEED ?? Date.now() % 2 ** 32)
const timeout = seconds * 1_000 + 60_000

/** No single input may take longer. The inputs are small; only a loop or a backtracking takes seconds. */
const MAX_MS = 5_000

const msgpackCodec = createMsgpackCodec()

interface FrameVector {
  json_text: string
  msgpack_base64: string
}

const vectors: FrameVector[] = JSON.parse(
  readFileSync(new URL('../../vectors/dust-frames.json', import.meta.url), 'utf8'),
)
const page = readFileSync(new URL('../../../../docs/protocol-extensions.md', import.meta.url), 'utf8')
const texts = [...vectors.map((each) => each.json_text), ...(page.match(/^\[.*\]$/gm) ?? [])]
const frames = texts.map((text) => jsonCodec.decode(text))
const packed = frames.map((frame) => Uint8Array.from(Buffer.from(msgpackCodec.encode(frame))))

/** Tries one input after another, each with a seed of its own, which the message of a failure names. */
function fuzz(attempt: (random: Random) => void): void {
  const end = performance.now() + seconds * 1_000
  let tried = 0
  do {
    const seed = (firstSeed + tried++) >>> 0
    const start = performance.now()
    try {
      attempt(createRandom(seed))
    } catch (cause) {
      throw new Error(`Repeat with DUST_FUZZ_SEED=${seed} DUST_FUZZ_SECONDS=0`, { cause })
    }
    const took = performance.now() - start
    if (took > MAX_MS) throw new Error(`DUST_FUZZ_SEED=${seed} took ${Math.round(took)} ms`)
  } while (performance.now() < end)
  console.info(`${tried} inputs from seed ${firstSeed}`)
}

/** The frame, or undefined when the codec refuses the input as it should. Any other error gets out. */
function decodeFrame(codec: Codec, input: string | Uint8Array): Frame | undefined {
  try {
    return codec.decode(input)
  } catch (error) {
    if (error instanceof FrameError) return undefined
    throw error
  }
}

/** What was accepted goes through everything behind the decoders, and comes back the same when it is sent on. */
function follow(frame: Frame | undefined): void {
  if (!frame) return
  for (const target of Object.values(PAYLOAD_TARGETS)) tolerate(target, frame[4])
  for (const codec of [jsonCodec, msgpackCodec]) {
    const sent = encodeFrame(codec, frame)
    if (
      sent !== undefined &&
      !isDeepStrictEqual(withoutNegativeZeros(codec.decode(sent)), withoutNegativeZeros(frame))
    )
      throw new Error(`${codec.vsn} changed ${jsonCodec.encode(frame)}`)
  }
}

function encodeFrame(codec: Codec, frame: Frame): string | Uint8Array | undefined {
  try {
    return codec.encode(frame)
  } catch (error) {
    // Integers beyond 64 bits are JSON, but not MessagePack.
    if (error instanceof FrameError) return undefined
    throw error
  }
}

/** JSON cannot write them. */
function withoutNegativeZeros(value: unknown): unknown {
  if (value === 0) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZeros)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, inner]) => [key, withoutNegativeZeros(inner)])
}

describe('fuzz: whatever comes in is decoded or refused with a typed error', () => {
  it('random bytes', { timeout }, () => {
    fuzz((random) => {
      const bytes = randomBytes(random, random.pick([8, 64, 1_024]))
      for (const codec of [jsonCodec, msgpackCodec]) follow(decodeFrame(codec, bytes))
    })
  })

  it('mutated MessagePack frames', { timeout }, () => {
    fuzz((random) => {
      follow(decodeFrame(msgpackCodec, mutateBytes(random, random.pick(packed), random.pick(packed))))
    })
  })

  it('mutated JSON frames', { timeout }, () => {
    fuzz((random) => {
      follow(decodeFrame(jsonCodec, mutateText(random, random.pick(texts), random.pick(texts))))
    })
  })

  it('payloads of odd fields and values, and real payloads with some of them', { timeout }, () => {
    fuzz((random) => {
      const payload = random.chance(0.5) ? oddPayload(random) : disturbed(random, random.pick(frames)[4])
      for (const target of Object.values(PAYLOAD_TARGETS)) tolerate(target, payload)
    })
  })
})

describe('fuzz: memory', () => {
  const head = '95c0c0a174a165'

  it.each([
    ['a list', 'dd'],
    ['a map', 'df'],
    ['a text', 'db'],
    ['bytes', 'c6'],
    ['an extension', 'c9'],
  ])('is not taken for what %s only promises', (_, code) => {
    const promise = Buffer.from(`${code}ffffffff`, 'hex')
    const before = process.memoryUsage()
    for (let i = 0; i < 20; i++) {
      expect(() => msgpackCodec.decode(Buffer.concat([Buffer.from(head, 'hex'), promise]))).toThrow(
        FrameError,
      )
      // Nested, each promise in the first element of the one around it.
      const nested = Buffer.concat([Buffer.from(head, 'hex'), ...Array<Buffer>(500).fill(promise)])
      expect(() => msgpackCodec.decode(nested)).toThrow(FrameError)
    }
    const after = process.memoryUsage()
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(100e6)
  })

  it.each([
    ['brackets', '['.repeat(200_000)],
    ['brackets that close', `["1","1","t","e",{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`],
    ['brackets beside a large integer', `[9007199254740993,${'['.repeat(200_000)}`],
    ['backslashes', `["1","1","t","e",{"a":"${'\\\\'.repeat(200_000)}"}]`],
    [
      'backslashes beside a large integer',
      `["1","1","t","e",{"n":9007199254740993,"a":"${'\\"'.repeat(200_000)}"}]`,
    ],
    ['spaces beside a large integer', `[9007199254740993${' '.repeat(400_000)}`],
    ['digits', `[${'9'.repeat(400_000)}]`],
    ['large integers', `["1","1","t","e",{"a":[${`${'9'.repeat(999)},`.repeat(400)}1]}]`],
  ])('and time are bounded for many %s', (_, text) => {
    const start = performance.now()
    follow(decodeFrame(jsonCodec, text))
    expect(performance.now() - start).toBeLessThan(MAX_MS)
  })
})
