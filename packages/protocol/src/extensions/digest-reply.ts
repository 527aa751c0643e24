import { FrameError } from '../errors.js'
import type { FramePayload } from '../frame.js'
import { seqField, textField } from './fields.js'

/** The response to `digest`: the sum over all entries as of `seq`, as 16 hex digits. */
export type DigestReply = { seq: number; digest: string }

const DIGEST_TEXT = /^[0-9a-f]{16}$/

/** @throws FrameError when it is malformed. */
export function parseDigestReply(response: FramePayload): DigestReply {
  const digest = textField(response, 'digest', 'A digest reply')
  if (!DIGEST_TEXT.test(digest)) throw new FrameError('A digest reply has no digest of 16 hex digits.')
  return { seq: seqField(response, 'seq', 'A digest reply'), digest }
}
