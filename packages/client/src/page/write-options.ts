import { type Fence, normalizePath, OptionError, type PathInput } from '@dustlayer/protocol'
import { aBoolean, aRevision, checkOptions, type OptionRule } from '../options.js'

/** The condition that every write can have. */
export interface WriteOptions {
  /** Write only while this lease is held; a lease as `lease` gave it will do. The server decides. */
  readonly fence?: { readonly key: PathInput; readonly token: number } | undefined
}

/** The conditions of a delete. */
export interface DeleteOptions extends WriteOptions {
  /** Delete only if the entry still has this revision. */
  readonly ifMatch?: number | undefined
}

/** The conditions of a put. At most one of `ifMatch` and `ifAbsent`. */
export interface PutOptions extends DeleteOptions {
  /** Write only if there is no entry. */
  readonly ifAbsent?: boolean | undefined
}

export const aFence: OptionRule = {
  must: 'a lease, or { key, token }',
  test: (value) =>
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    Number.isSafeInteger(Reflect.get(value, 'token')),
}

export function checkPutOptions(options: PutOptions | undefined): {
  ifMatch?: number
  ifAbsent?: true
  fence?: Fence
} {
  checkOptions('put', options, { ifMatch: aRevision, ifAbsent: aBoolean, fence: aFence })
  if (options?.ifMatch !== undefined && options.ifAbsent) {
    throw new OptionError('put takes ifMatch or ifAbsent, not both: an entry that is absent has no revision.')
  }
  const fence = fenceOf(options)
  if (options?.ifMatch !== undefined) return { ifMatch: options.ifMatch, ...fence }
  return options?.ifAbsent ? { ifAbsent: true, ...fence } : fence
}

export function checkDeleteOptions(options: DeleteOptions | undefined): { ifMatch?: number; fence?: Fence } {
  checkOptions('delete', options, { ifMatch: aRevision, fence: aFence })
  return { ...(options?.ifMatch !== undefined && { ifMatch: options.ifMatch }), ...fenceOf(options) }
}

export function checkWriteOptions(call: string, options: WriteOptions | undefined): { fence?: Fence } {
  checkOptions(call, options, { fence: aFence })
  return fenceOf(options)
}

export function fenceOf(options: WriteOptions | undefined): { fence?: Fence } {
  if (!options?.fence) return {}
  const { key, token } = options.fence
  return { fence: { key: normalizePath(key), token } }
}
