import { createMsgpackCodec, EXTENSIONS, type Frame, jsonCodec } from '@dustlayer/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'
import { readVectors } from './testing/vectors.js'

/** A bounded number of runs; with DUST_FUZZ_SECONDS, as many as that takes, from DUST_FUZZ_SEED if that is given. */
const seconds = Number(process.env.DUST_FUZZ_SECONDS ?? 0)
const seed = process.env.DUST_FUZZ_SEED
const runs = (numRuns: number): fc.Parameters<unknown> => ({
  ...(seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1_000 } : { numRuns }),
  ...(seed !== undefined && { seed: Number(seed) }),
})
const TIMEOUT_MS = 30_000 + 2_000 * seconds

const T = 'store:acme/t'
const codecs = { json: jsonCodec, msgpack: createMsgpackCodec() }

interface VectorFrame {
  readonly direction: string
  readonly frame: Frame
}
const seeds = readVectors<readonly VectorFrame[]>('dust-frames.json')
  .filter(({ direction }) => direction === 'client_to_server')
  .map(({ frame: [joinRef, ref, topic, event, payload] }): Frame => {
    // Aimed at the store that is there, so that they get past the first check.
    return [joinRef && '1', ref, topic.startsWith('store:') ? T : topic, event, payload]
  })

const anything = fc.anything({
  maxDepth: 3,
  withNullPrototype: false,
  values: [fc.jsonValue(), fc.constant(null)],
})
const FIELDS = {
  write: [
    'op',
    'path',
    'path_segments',
    'value',
    'client_op_id',
    'if_match',
    'if_absent',
    'fence',
    'ttl_ms',
    'token',
  ],
  put_file: ['path', 'path_segments', 'content', 'client_op_id', 'filename', 'content_type'],
  rollback: ['path', 'path_segments', 'to_seq'],
  status: ['seq'],
  ack_seq: ['seq'],
  batch: ['client_op_id', 'ops'],
  digest: ['seq'],
  phx_join: ['last_store_seq', 'extensions', 'incarnation', 'snapshot'],
  phx_leave: ['seq'],
  foo: ['seq'],
} as const
const OPS = ['set', 'delete', 'merge', 'increment', 'add', 'remove', 'lease', 'renew', 'release']

/** Values that fields are meant to have, and their neighbours, are tried more often than any others. */
const fieldValue = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(null, true, false, 0, 1, -1, 1.5, '', 'a/b', 'a//b', '~2', 'aGk=', {}, []),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...OPS, ['a'], [''], [1], { key: 'l', token: 1 }, { _type: 'file' }),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
)
const fieldOf: { readonly [name: string]: fc.Arbitrary<unknown> } = {
  ops: fc.array(fc.dictionary(fc.constantFrom(...FIELDS.write), fieldValue), { maxLength: 5 }),
  extensions: fc.subarray([...EXTENSIONS, 'telepathy']),
  snapshot: fc.record({ seq: fieldValue, after: fieldValue }),
}
const usually = <T>(value: T, ...others: T[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(value) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

/** Frames of the right shape with payloads of the wrong one. */
const oddFrame = fc
  .oneof(
    { weight: 4, arbitrary: fc.constantFrom('write', 'batch', 'put_file', 'rollback') },
    { weight: 1, arbitrary: fc.constantFrom('status', 'digest', 'ack_seq', 'phx_join', 'phx_leave', 'foo') },
  )
  .chain((event) => {
    // The names of a literal object are its keys.
    const fields = FIELDS[event as keyof typeof FIELDS]
    const values = fields.map((name) => [name, fc.oneof(fieldOf[name] ?? fieldValue, fieldValue)])
    const payload = fc.record(Object.fromEntries(values), { requiredKeys: [] })
    // A join under the ref of the first one leaves the later frames valid.
    const topic = usually(T, 'store:', 'store:x', 'phoenix', '')
    const ref = event === 'phx_join' ? fc.constant('1') : usually('1', null)
    return fc.tuple(usually('1', null, '2'), ref, topic, fc.constant(event), payload)
  })

/** A valid message with some of its bytes changed, dropped or doubled. */
function mutated(format: 'json' | 'msgpack') {
  return fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 255 })), { maxLength: 4 }),
    )
    .map(([frame, edits]) => {
      const encoded = codecs[format].encode(frame)
      const bytes = [...Buffer.from(encoded as string)]
      for (const [at, byte] of edits) {
        const i = at % bytes.length
        if (byte < 0) bytes.splice(i, 1)
        else bytes[i] = byte
      }
      return Buffer.from(bytes)
    })
}

describe.each(['json', 'msgpack'] as const)('odd messages in %s', (format) => {
  let world: TestServer
  let bystander: TestClient
  beforeAll(async () => {
    world = await startTestServer()
    bystander = await world.connect()
    await bystander.join(T)
  })
  afterAll(() => world.close())

  let ops = 0
  /** Sends the messages on a connection of their own and makes sure that nobody else noticed. */
  const survives = async (messages: readonly (string | Uint8Array)[]) => {
    const client = await world.connect({ format })
    await client.join(T, 1_000_000_000, { extensions: [...EXTENSIONS], incarnation: null })
    for (const message of messages) client.ws.send(message, { binary: format === 'msgpack' })
    client.send([null, 'end', 'phoenix', 'heartbeat', {}])
    const answered = client.waitFor((frame) => frame[1] === 'end').then(() => undefined)
    const outcome = await Promise.race([answered, client.closed])
    // Never 1013: that is what an unexpected error in the server looks like.
    expect([undefined, 1002, 1007]).toContain(outcome?.code)
    expect(client.frames.filter((frame) => frame[3] === 'phx_error')).toEqual([])
    client.close()
    const reply = await bystander.write(T, {
      op: 'set',
      path: 'alive',
      value: ++ops,
      client_op_id: `alive-${ops}`,
    })
    expect(reply.status).toBe('ok')
  }

  it(
    'frames with odd payloads are answered',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(oddFrame, { minLength: 1, maxLength: 40 }), async (frames) => {
          await survives(frames.map((frame) => codecs[format].encode(frame as never)))
        }),
        runs(100),
      )
    },
    TIMEOUT_MS,
  )

  it(
    'mutated messages are answered or end their connection',
    async () => {
      const messages = fc.array(mutated(format), { minLength: 1, maxLength: 5 })
      await fc.assert(fc.asyncProperty(messages, survives), runs(120))
    },
    TIMEOUT_MS,
  )

  it(
    'random bytes and random JSON end their connection or are answered',
    async () => {
      const noise = fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        anything.map((value) => Buffer.from(JSON.stringify(value) ?? 'undefined')),
      )
      await fc.assert(fc.asyncProperty(fc.array(noise, { minLength: 1, maxLength: 3 }), survives), runs(60))
    },
    TIMEOUT_MS,
  )
})
