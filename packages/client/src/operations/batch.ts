import { DustError, MAX_BATCH_OPS, OptionError, type PathInput } from '@dustlayer/protocol'
import { checkOptions, oneOf } from '../options.js'
import type { DeleteOptions, PutOptions, WriteOptions } from '../page/write-options.js'
import { type BatchWrite, refusedBatch } from '../page/writes.js'
import { checkStoreName } from '../store-name.js'
import { NEW_OPS, type NewOp } from './write.js'

/** Takes the ops of a batch, in their order, for as long as the function given to `batch` runs. */
export interface BatchBuilder {
  put(path: PathInput, value: unknown, options?: PutOptions): void
  merge(path: PathInput, map: unknown, options?: WriteOptions): void
  delete(path: PathInput, options?: DeleteOptions): void
  increment(path: PathInput, by?: number | bigint, options?: WriteOptions): void
  add(path: PathInput, member: unknown, options?: WriteOptions): void
  remove(path: PathInput, member: unknown, options?: WriteOptions): void
}

export interface BatchOptions {
  /**
   * `'separate'`: a server that cannot apply several ops as one may get them one by one. Without it, such a server
   * makes the whole batch fail with BatchUnsupportedError.
   */
  readonly fallback?: 'separate' | undefined
}

export interface BatchOperations {
  /**
   * Up to 500 writes that apply together or not at all: on this device at once, on the server in one transaction.
   * What `build` throws is the batch's error, and nothing is written.
   * @example
   * await dust.batch('org/app', (b) => {
   *   b.put('orders/7', order)
   *   b.increment('stats/orders')
   * })
   */
  batch(store: string, build: (batch: BatchBuilder) => void, options?: BatchOptions): BatchWrite
}

export type IssueBatch = (store: string, ops: readonly NewOp[], separate: boolean) => BatchWrite

export function createBatchOperations(issue: IssueBatch): BatchOperations {
  return {
    batch(store, build, options) {
      try {
        checkOptions('batch', options, { fallback: oneOf('separate') })
        return issue(checkStoreName(store), collect(build), options?.fallback === 'separate')
      } catch (error) {
        return refusedBatch(error)
      }
    },
  }
}

function collect(build: (batch: BatchBuilder) => void): readonly NewOp[] {
  if (typeof build !== 'function') throw new OptionError('batch needs a function that makes its writes.')
  const ops: NewOp[] = []
  let open = true
  const take = (op: NewOp): void => {
    if (!open)
      throw new DustError('batch_over', 'This batch has been issued: write within its function only.')
    if (ops.length === MAX_BATCH_OPS) throw new OptionError(`A batch takes at most ${MAX_BATCH_OPS} writes.`)
    ops.push(op)
  }
  try {
    const result: unknown = build({
      put: (...args) => take(NEW_OPS.put(...args)),
      merge: (...args) => take(NEW_OPS.merge(...args)),
      delete: (...args) => take(NEW_OPS.delete(...args)),
      increment: (...args) => take(NEW_OPS.increment(...args)),
      add: (...args) => take(NEW_OPS.add(...args)),
      remove: (...args) => take(NEW_OPS.remove(...args)),
    })
    if (result instanceof Promise) {
      // Its failure is not ours to tell: that it is a promise is the mistake.
      result.catch(() => undefined)
      throw new OptionError(
        'The function given to batch must not be async: make all writes before it returns.',
      )
    }
  } finally {
    open = false
  }
  return ops
}
