import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { type Connection, createConnection } from './connection.js'
import { decideHandshake, type Handshake, SOCKET_PATH } from './handshake.js'
import { describeError } from './log.js'
import { noteDevice } from './note-device.js'
import type { OriginPolicy } from './origin.js'
import { pathOf } from './respond.js'
import type { Services } from './services.js'
import { createMsgpackFormat, jsonFormat } from './wire-format.js'

/** The WebSocket endpoint and its connections. */
export interface SocketEndpoint {
  /** For the `upgrade` event of an HTTP server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends the topics of a store on every connection. */
  endStore(storeId: string): void
  /** Closes the connections whose token is no longer good. */
  checkTokens(): void
  /** Closes all connections, politely first; resolves when none is left. */
  close(): Promise<void>
}

export interface SocketEndpointOptions {
  readonly services: Services
  readonly origins: OriginPolicy
  /** A connection that sends nothing for so long is closed. */
  readonly idleTimeoutMs: number
}

const MAX_MESSAGE_BYTES = 8_000_000
/** A peer that only listens is found out within this time when its token is revoked by another process. */
const MAX_SWEEP_MS = 5_000
const GOING_AWAY = 1001
const PROTOCOL_ERROR = 1002
/** How long a peer may take to answer a close. */
const CLOSE_GRACE_MS = 2_000

export function createSocketEndpoint({
  services,
  origins,
  idleTimeoutMs,
}: SocketEndpointOptions): SocketEndpoint {
  const { catalog, clock, logger } = services
  const formats = { json: jsonFormat, msgpack: createMsgpackFormat() }
  const connections = new Set<Connection>()
  // Compression off and no subprotocol: existing clients offer neither (spec/wire.md §1).
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => false,
  })
  let allClosed = () => {}
  const checkTokens = () => {
    try {
      for (const connection of connections) connection.checkToken()
    } catch (error) {
      logger.error('tokens could not be checked', { error: describeError(error) })
    }
  }
  const sweep = setInterval(
    () => {
      checkTokens()
      for (const connection of connections) {
        if (connection.idleMs() < idleTimeoutMs) continue
        connection.close(PROTOCOL_ERROR, 'idle')
        // A dead peer does not answer the close either.
        if (connection.idleMs() > 2 * idleTimeoutMs) connection.terminate()
      }
    },
    Math.min(idleTimeoutMs / 4, MAX_SWEEP_MS),
  )

  const handshakeOf = (request: IncomingMessage): Handshake | undefined => {
    try {
      return decideHandshake(request, { catalog, clock, origins })
    } catch (error) {
      logger.error('a handshake could not be decided', { error: describeError(error) })
      return undefined
    }
  }

  return {
    upgrade(request, socket, head) {
      if (pathOf(request) !== SOCKET_PATH) return refuse(socket, '404 Not Found')
      if (request.method !== 'GET') return refuse(socket, '400 Bad Request')
      const handshake = handshakeOf(request)
      if (!handshake) return refuse(socket, '500 Internal Server Error')
      if (!handshake.ok) {
        logger.info('a connection was refused', { reason: handshake.reason })
        return refuse(socket, '403 Forbidden')
      }
      const { grant, deviceId, format } = handshake
      sockets.handleUpgrade(request, socket, head, (ws) => {
        // Upgrades of an HTTP server come on its TCP or TLS sockets.
        const tcp = socket as Socket
        tcp.setNoDelay(true)
        const connection = createConnection({
          services,
          ws,
          socket: tcp,
          format: formats[format],
          grant,
          deviceId,
          closed() {
            connections.delete(connection)
            logger.debug('disconnected', { deviceId })
            if (connections.size === 0) allClosed()
          },
        })
        connections.add(connection)
        logger.debug('connected', { deviceId, format })
        noteDevice(services, deviceId, grant.tokenId)
      })
    },
    endStore(storeId) {
      for (const connection of connections) connection.endStore(storeId)
    },
    checkTokens,
    async close() {
      clearInterval(sweep)
      sockets.close()
      if (connections.size === 0) return
      const closed = new Promise<void>((resolve) => {
        allClosed = resolve
      })
      for (const connection of connections) connection.close(GOING_AWAY, 'the server is shutting down')
      const impatience = setTimeout(() => {
        for (const connection of connections) connection.terminate()
      }, CLOSE_GRACE_MS)
      await closed
      clearTimeout(impatience)
    },
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => {
    // The peer is gone before it has read the refusal; there is nobody left to tell.
  })
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
