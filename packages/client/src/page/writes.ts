import { type DustError, errorFromData, UnavailableError } from '@dustlayer/protocol'
import type { SettledWrite } from '../tab/tab-protocol.js'

/** What the server made of a write. */
export interface Committed {
  /** The entry's revision, which is the op's place in the store's log. */
  readonly revision: number
}

/** A write that is durable on this device. */
export interface WriteReceipt {
  readonly opId: string
  /**
   * The server's verdict; may come days later, when the device is online again.
   * Rejects with ConflictError, ExistsError, AuthorizationError, RejectedError …, and with ClosedError
   * when Dust is closed before: the write itself is kept and will be sent.
   */
  readonly committed: Promise<Committed>
}

/** Resolves when the write is durable on this device; `committed` tells the server's verdict. */
export type Write = Promise<WriteReceipt> & Pick<WriteReceipt, 'committed'>

/** Writes of this page whose verdict is open. */
export interface PendingWrites {
  /** Follows a write. `local` is its call. */
  follow(opId: string, local: Promise<unknown>): Write
  settle(settled: SettledWrite): void
  close(error: DustError): void
}

export function createPendingWrites(): PendingWrites {
  const open = new Map<string, { resolve(committed: Committed): void; reject(error: DustError): void }>()

  return {
    follow(opId, local) {
      const committed = new Promise<Committed>((resolve, reject) => open.set(opId, { resolve, reject }))
      const receipt = local.then(
        () => ({ opId, committed }),
        (error: DustError) => {
          open.get(opId)?.reject(error)
          open.delete(opId)
          throw error
        },
      )
      return createWrite(receipt, committed)
    },
    settle({ opId, verdict }) {
      const write = open.get(opId)
      if (!write) return
      open.delete(opId)
      if (!verdict)
        write.reject(new UnavailableError(`What became of the write ${opId} is no longer known here.`))
      else if (verdict.state === 'committed') write.resolve({ revision: verdict.revision })
      else write.reject(errorFromData(verdict.error))
    },
    close(error) {
      for (const { reject } of open.values()) reject(error)
      open.clear()
    },
  }
}

/** A write refused at the call. */
export function refusedWrite(error: unknown): Write {
  return createWrite(Promise.reject(error), Promise.reject(error))
}

/** Nobody has to look at the verdict; and who looks at nothing else must not be told of the failure twice. */
function createWrite(receipt: Promise<WriteReceipt>, committed: Promise<Committed>): Write {
  const unseen = (): void => undefined
  committed.catch(unseen)
  return Object.defineProperty(receipt, 'committed', {
    enumerable: true,
    get() {
      receipt.catch(unseen)
      return committed
    },
  }) as Write
}
