import { BatchError, type DustError, errorFromData, UnavailableError } from '@dustlayer/protocol'
import type { SettledWrite } from '../tab/news.js'

/** What the server made of a write. */
export interface Committed {
  /** The entry's revision, which is the op's place in the store's log. */
  readonly revision: number
}

/** A write that is durable on this device. */
export interface WriteReceipt {
  /**
   * The write's id in events and in the inbox of refused writes. Of puts that took one another's place while they were
   * not sent, all get the one verdict, and the last one's id is there.
   */
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

/**
 * Resolves, with a receipt for each op, when the whole batch is durable on this device; `committed` when the server
 * has decided about all of them. It rejects with the error of the op that was refused.
 */
export type BatchWrite = Promise<readonly WriteReceipt[]> & {
  readonly committed: Promise<readonly Committed[]>
}

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
      return withVerdict(receipt, committed)
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
  return withVerdict(Promise.reject(error), Promise.reject(error))
}

/** Writes that were made together, as one. */
export function batchWrite(writes: readonly Write[]): BatchWrite {
  return withVerdict(Promise.all(writes), allCommitted(writes.map(({ committed }) => committed)))
}

/** A batch refused at the call. */
export function refusedBatch(error: unknown): BatchWrite {
  return withVerdict(Promise.reject(error), Promise.reject(error))
}

/** When one op takes the others down with it, its own error tells more than theirs. */
async function allCommitted(verdicts: readonly Promise<Committed>[]): Promise<readonly Committed[]> {
  const errors: unknown[] = []
  const committed: Committed[] = []
  for (const verdict of await Promise.allSettled(verdicts)) {
    if (verdict.status === 'fulfilled') committed.push(verdict.value)
    else errors.push(verdict.reason)
  }
  if (errors.length > 0) throw errors.find((error) => !(error instanceof BatchError)) ?? errors[0]
  return committed
}

/** Nobody has to look at the verdict; and who looks at nothing else must not be told of the failure twice. */
function withVerdict<R, C>(
  receipt: Promise<R>,
  committed: Promise<C>,
): Promise<R> & { readonly committed: Promise<C> } {
  const unseen = (): void => undefined
  committed.catch(unseen)
  return Object.defineProperty(receipt, 'committed', {
    enumerable: true,
    get() {
      receipt.catch(unseen)
      return committed
    },
  }) as Promise<R> & { readonly committed: Promise<C> }
}
