import type { Socket } from 'node:net'
import { FrameError } from '@dustlayer/protocol'
import { type RawData, WebSocket } from 'ws'
import { createIntake } from './intake.js'
import { describeError } from './log.js'
import { createOutlet } from './outlet.js'
import type { Services } from './services.js'
import type { Grant } from './token.js'
import { createTopics } from './topics.js'
import type { WireFormat } from './wire-format.js'

/** One WebSocket. */
export interface Connection {
  /** Milliseconds since the peer last sent something, or took something while it was being waited for. */
  idleMs(): number
  /** Ends the topics of a store, as when the store is archived. */
  endStore(storeId: string): void
  /** Closes unless the token is still good. */
  checkToken(): void
  close(code: number, reason: string): void
  terminate(): void
}

export interface ConnectionOptions {
  readonly services: Services
  readonly ws: WebSocket
  readonly socket: Socket
  readonly format: WireFormat
  readonly grant: Grant
  readonly deviceId: string
  readonly closed: () => void
}

/** WebSocket close codes (RFC 6455 §7.4.1). */
const PROTOCOL_ERROR = 1002
const POLICY_VIOLATION = 1008
/** Of the registry that the RFC began. Not 1011: clients take that for the fault of what they have sent. */
const TRY_AGAIN_LATER = 1013

export function createConnection(options: ConnectionOptions): Connection {
  const { services, ws, socket, format, grant, deviceId, closed } = options
  const { catalog, clock, logger } = services
  const intake = createIntake(ws)
  const outlet = createOutlet(ws, socket, format, intake)
  const topics = createTopics({ services, outlet, intake, grant, deviceId })
  let lastHeard = clock.monotonic()

  /** Also makes an end of the connection when it is not. */
  const isTokenLive = (): boolean => {
    if (catalog.tokens.isLive(topics.grant().tokenId, clock.now())) return true
    // Nothing more is written or sent from now on, whenever the peer answers the close.
    topics.stop()
    ws.close(POLICY_VIOLATION, 'the token is no longer valid')
    return false
  }
  const receive = (data: Buffer, isBinary: boolean) => {
    const frame = format.decode(data, isBinary)
    if (isTokenLive()) topics.handle(frame)
  }

  ws.on('message', (data: RawData, isBinary: boolean) => {
    lastHeard = clock.monotonic()
    // What still arrives on a connection that is being closed could not be answered.
    if (ws.readyState !== WebSocket.OPEN) return
    try {
      // A server's sockets of ws give one Buffer a message.
      receive(data as Buffer, isBinary)
    } catch (error) {
      if (error instanceof FrameError) {
        logger.debug('closed a connection for a malformed frame', { deviceId, error: error.message })
        ws.close(PROTOCOL_ERROR, 'malformed frame')
        return
      }
      logger.error('a message could not be handled', { deviceId, error: describeError(error) })
      ws.close(TRY_AGAIN_LATER, 'internal error')
    }
  })
  ws.on('ping', () => {
    lastHeard = clock.monotonic()
  })
  ws.on('error', (error) => logger.debug('a connection failed', { deviceId, error: error.message }))
  ws.on('close', () => {
    topics.stop()
    closed()
  })

  return {
    idleMs() {
      if (outlet.progressed()) lastHeard = clock.monotonic()
      return clock.monotonic() - lastHeard
    },
    endStore: topics.endStore,
    checkToken: () => void isTokenLive(),
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  }
}
