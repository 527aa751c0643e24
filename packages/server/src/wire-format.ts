import { createMsgpackCodec, type Frame, FrameError, jsonCodec } from '@dustlayer/protocol'

/** A message as it goes out: text for JSON, bytes for MessagePack. */
export type Outgoing = string | Uint8Array

/** How a connection encodes its messages (spec/wire.md §2). */
export interface WireFormat {
  readonly kind: 'json' | 'msgpack'
  encode(frame: Frame): Outgoing
  /** @throws FrameError when the message is not a frame, or of a kind that this format does not take. */
  decode(data: Buffer, isBinary: boolean): Frame
}

export const jsonFormat: WireFormat = {
  kind: 'json',
  encode: jsonCodec.encode,
  decode(data, isBinary) {
    if (isBinary) throw new FrameError('A binary message came on a connection that speaks JSON.')
    return jsonCodec.decode(data.toString())
  },
}

/** Text messages are taken as JSON; answers are binary all the same (spec/wire.md §2.2). */
export function createMsgpackFormat(): WireFormat {
  const codec = createMsgpackCodec()
  return {
    kind: 'msgpack',
    encode: codec.encode,
    decode: (data, isBinary) => codec.decode(isBinary ? data : data.toString()),
  }
}
