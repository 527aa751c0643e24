/** One end of a named channel: what is posted reaches all other ends of the same name. */
export interface Channel {
  post(message: unknown): void
  close(): void
}

/** Opens an end of the channel of that name. */
export type OpenChannel = (name: string, onMessage: (message: unknown) => void) => Channel

/** Channels between the tabs of one origin. */
export const openBroadcastChannel: OpenChannel = (name, onMessage) => {
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }) => onMessage(data)
  let closed = false
  return {
    post(message) {
      // The browser's error would end the worker. Tests, on local channels, get theirs.
      if (!closed) channel.postMessage(message)
    },
    close() {
      closed = true
      channel.onmessage = null
      channel.close()
    },
  }
}

/** Channels within one JavaScript realm, for tests and for pages that may not share (see `findCompany`). */
export function createLocalChannels(): OpenChannel {
  const ends = new Map<string, Set<(message: unknown) => void>>()
  return (name, onMessage) => {
    const there = ends.get(name) ?? new Set()
    ends.set(name, there)
    // A name may be opened twice with the same listener; each end is its own.
    const own = (message: unknown): void => onMessage(message)
    there.add(own)
    return {
      post(message) {
        // As the browser's channels do.
        if (!there.has(own)) throw new DOMException('The channel is closed.', 'InvalidStateError')
        const copy: unknown = structuredClone(message)
        for (const end of there) {
          if (end !== own) queueMicrotask(() => there.has(end) && end(copy))
        }
      },
      close: () => {
        there.delete(own)
      },
    }
  }
}
