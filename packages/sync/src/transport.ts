/** What a transport tells about one link. None of these is called before `connect` has returned. */
export interface LinkHandlers {
  open(): void
  message(data: string | ArrayBuffer): void
  /** The link is gone, or was never had. Called at most once, and last. */
  close(info: LinkClose): void
}

/** Code and reason of a WebSocket close; 1006 when there was none. */
export interface LinkClose {
  readonly code: number
  readonly reason: string
}

/** One connection attempt and what becomes of it. */
export interface Link {
  /** Sends one message. On a link that is not open it does nothing; `close` will follow. */
  send(data: string | Uint8Array): void
  /** Lets go of it at once. Nothing is called any more, whether or not closing it has any effect. */
  close(code?: number, reason?: string): void
  /** Bytes handed over and not yet on the network. */
  readonly buffered: number
}

/** What could be learned about a handshake that failed; browsers hide it from the socket itself. */
export type ProbeResult =
  /** The server would accept this handshake now. */
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'busy'; readonly retryAfterMs: number }
  /** Something else answers in the server's place, such as the sign-in page of a network (a captive portal). */
  | { readonly outcome: 'intercepted' }
  | { readonly outcome: 'unknown' }

/** The way to a server: WebSockets in the field, a script or a simulator in tests. */
export interface Transport {
  connect(url: string, handlers: LinkHandlers): Link
  /** Asks why the handshake with this URL failed. */
  probe?(url: string): Promise<ProbeResult>
}

/** Whether this machine has a network at all, as far as the environment knows. */
export interface Network {
  online(): boolean
  onChange(listener: () => void): () => void
}
