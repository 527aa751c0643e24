import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { jsonCodec } from '../codec.js'
import { digestText, entryDigest } from '../digest.js'
import { decodeStoreEvent, type Frame, type FramePayload } from '../frame.js'
import { isObject } from '../value.js'
import { parseBatch, parseBatchReply, refusedOpIndex } from './batch.js'
import { parseDigestReply } from './digest-reply.js'
import { splitEventBatch } from './event-batch.js'
import { parseJoinExtensions, parseJoinReplyExtensions } from './join.js'
import { EXTENSIONS } from './names.js'
import { decodeSnapshotChunk } from './snapshot-chunk.js'

const page = readFileSync(new URL('../../../../docs/protocol-extensions.md', import.meta.url), 'utf8')
const frames = [...page.matchAll(/^\[.*\]$/gm)].map(([line]) => jsonCodec.decode(line))

/** Takes the frame for what it says it is. */
function understand([, , , event, payload]: Frame): unknown {
  switch (event) {
    case 'phx_join':
      return parseJoinExtensions(payload)
    case 'snapshot_chunk':
      return decodeSnapshotChunk(payload)
    case 'events':
      return splitEventBatch(payload).map(decodeStoreEvent)
    case 'batch':
      return expect(parseBatch(payload)).toMatchObject({ ok: true })
    case 'digest':
      return expect(payload).toEqual({})
    case 'reauth':
      return expect(payload).toEqual({ token: expect.any(String) })
    case 'phx_reply':
      return isObject(payload.response) && understandReply(payload.response)
    default:
      throw new Error(`The page has an example of the unknown event ${event}.`)
  }
}

function understandReply(response: FramePayload): unknown {
  if ('capver' in response) return parseJoinReplyExtensions(response)
  if ('digest' in response) return parseDigestReply(response)
  if ('permissions' in response) return expect(Object.keys(response)).toContain('store_access')
  if ('store_seqs' in response) return parseBatchReply(response, 2)
  expect(typeof response.reason).toBe('string')
  return refusedOpIndex(response)
}

describe('docs/protocol-extensions.md', () => {
  it('has examples that the parsers understand', () => {
    expect(frames.length).toBeGreaterThan(12)
    for (const frame of frames) understand(frame)
  })

  it('has a chapter for each extension', () => {
    const chapters = [...page.matchAll(/^## `(.*)`$/gm)].map(([, name]) => name)
    expect(chapters.sort()).toEqual([...EXTENSIONS].sort())
  })

  it('has the digest of its example', () => {
    expect(page).toContain(digestText(entryDigest('users/alice', 'string', 7, '"Alice"')))
  })
})
