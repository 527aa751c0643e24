import {
  type DustError,
  errorFromData,
  type Fence,
  normalizePath,
  OptionError,
  type PathInput,
  toJsonValue,
  type Value,
} from '@dustlayer/protocol'
import type { RejectedWrite as RejectedWriteData } from '@dustlayer/replica'
import { aBoolean, anything, aRevision, checkOptions, orNull } from '../options.js'
import type { SendCall } from '../page/call-batch.js'
import { reviveValue } from '../page/revive.js'
import type { StatusListeners } from '../page/status-listeners.js'
import type { Off } from '../page/subscribers.js'
import { aFence, fenceOf, type WriteOptions } from '../page/write-options.js'
import { refusedWrite, type Write } from '../page/writes.js'
import { checkStoreName } from '../store-name.js'
import type { RejectionEdit } from '../tab/calls.js'

/** A write that the server refused. Its effect has been undone; nothing waits for it. */
export interface RejectedWrite extends Omit<RejectedWriteData, 'value' | 'error' | 'fence'> {
  /** What was written: the value, map, delta or member; null for a delete. */
  readonly value: Value
  readonly fence?: Fence
  /** Why it was refused. */
  readonly error: DustError
}

/** What is to be different when a write is tried again. Null (or false) takes a condition away. */
export interface RetryOptions {
  readonly path?: PathInput | undefined
  readonly value?: unknown
  readonly ifMatch?: number | null | undefined
  readonly ifAbsent?: boolean | null | undefined
  readonly fence?: WriteOptions['fence'] | null
}

/** The inbox of refused writes: the newest 1,000, on this device, until they are retried or dropped. */
export interface RejectionOperations {
  readonly rejections: {
    /** Oldest first. */
    list(store: string): Promise<readonly RejectedWrite[]>
    /**
     * Writes it again, as a new write, and takes it off the list. It stays there when it cannot hold on what is here.
     * What was refused with a batch is written by itself.
     */
    retry(store: string, opId: string, options?: RetryOptions): Write
    /** Takes it off the list; false when it is not there. */
    drop(store: string, opId: string): Promise<boolean>
    /** Calls back with the list now and whenever it changes, in any tab. */
    onChange(store: string, callback: (rejections: readonly RejectedWrite[]) => void): Off
  }
}

export interface RejectionContext {
  readonly call: SendCall
  readonly status: StatusListeners
  retry(store: string, opId: string, edit: RejectionEdit): Write
  /** A callback threw, or there is nothing to call it with. */
  report(error: unknown): void
}

export function createRejectionOperations({
  call,
  status,
  retry,
  report,
}: RejectionContext): RejectionOperations {
  const list = async (store: string): Promise<readonly RejectedWrite[]> =>
    (await call({ kind: 'rejections', store })).map(revived)

  return {
    rejections: {
      list: async (store) => list(checkStoreName(store)),
      retry(store, opId, options) {
        try {
          return retry(checkStoreName(store), checkOpId('retry', opId), editOf(options))
        } catch (error) {
          return refusedWrite(error)
        }
      },
      drop: async (store, opId) =>
        call({ kind: 'dropRejection', store: checkStoreName(store), opId: checkOpId('drop', opId) }),
      onChange(store, callback) {
        if (typeof callback !== 'function') throw new OptionError('onChange needs a function to call back.')
        let on = true
        let mark: string | undefined
        const off = status.on(checkStoreName(store), (_status, latest) => {
          if (!latest || latest.rejectedMark === mark) return
          mark = latest.rejectedMark
          list(store)
            .then((rejections) => {
              if (on) callback(rejections)
            })
            .catch(report)
        })
        return () => {
          on = false
          off()
        }
      },
    },
  }
}

/** @throws OptionError when it is no text. */
function checkOpId(call: string, opId: unknown): string {
  if (typeof opId === 'string') return opId
  throw new OptionError(`${call} needs the opId of a refused write, as \`rejections.list\` gives it.`)
}

function editOf(options: RetryOptions | undefined): RejectionEdit {
  checkOptions('retry', options, {
    path: anything,
    value: anything,
    ifMatch: orNull(aRevision),
    ifAbsent: orNull(aBoolean),
    fence: orNull(aFence),
  })
  if (!options) return {}
  const { path, value, ifMatch, ifAbsent, fence } = options
  return {
    ...(path !== undefined && { path: normalizePath(path) }),
    ...(value !== undefined && { value: toJsonValue(value) }),
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifAbsent !== undefined && { ifAbsent: ifAbsent === true }),
    ...(fence === null ? { fence } : fenceOf({ fence })),
  }
}

function revived({ value, error, ...write }: RejectedWriteData): RejectedWrite {
  return { ...write, value: reviveValue(value), error: errorFromData(error) }
}
