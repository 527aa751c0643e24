import { type JsonValue, normalizePath, type PathInput, toJsonValue } from '@dustlayer/protocol'
import type { LocalOp } from '@dustlayer/replica'
import { takeFor, takeMap, takeMember, takeNumber } from '../page/values.js'
import {
  checkDeleteOptions,
  checkPutOptions,
  checkWriteOptions,
  type DeleteOptions,
  type PutOptions,
  type WriteOptions,
} from '../page/write-options.js'
import { refusedWrite, type Write } from '../page/writes.js'
import { checkStoreName } from '../store-name.js'

/** Writes show at once, are durable on this device when their promise resolves, and reach the server from there. */
export interface WriteOperations {
  /**
   * Writes a value; a map is written as one entry for each of its leaves, and replaces what was below the path. So a
   * map without leaves, such as `{}`, leaves nothing there.
   */
  put(store: string, path: PathInput, value: unknown, options?: PutOptions): Write
  /** Writes the children given and leaves their siblings alone. */
  merge(store: string, path: PathInput, map: unknown, options?: WriteOptions): Write
  /** Removes the entry and everything below it. */
  delete(store: string, path: PathInput, options?: DeleteOptions): Write
  /** Adds to a counter, 1 by default; concurrent increments all count. */
  increment(store: string, path: PathInput, by?: number | bigint, options?: WriteOptions): Write
  /** Adds a member to a set. */
  add(store: string, path: PathInput, member: unknown, options?: WriteOptions): Write
  /** Removes a member from a set. */
  remove(store: string, path: PathInput, member: unknown, options?: WriteOptions): Write
}

/** A write without the id that makes it one of its kind. */
export type NewOp = Omit<LocalOp, 'opId'>

/**
 * What each write call asks for. Arguments are checked, and values taken, at the call: what the caller does to them
 * afterwards does not count.
 */
export const NEW_OPS = {
  put: (path: PathInput, value: unknown, options?: PutOptions): NewOp => ({
    ...target('put', path, () => toJsonValue(value)),
    op: 'set',
    ...checkPutOptions(options),
  }),
  merge: (path: PathInput, map: unknown, options?: WriteOptions): NewOp => ({
    ...target('merge', path, () => takeMap(map)),
    op: 'merge',
    ...checkWriteOptions('merge', options),
  }),
  delete: (path: PathInput, options?: DeleteOptions): NewOp => ({
    ...target('delete', path, () => null),
    op: 'delete',
    ...checkDeleteOptions(options),
  }),
  increment: (path: PathInput, by: number | bigint = 1, options?: WriteOptions): NewOp => ({
    ...target('increment', path, () => takeNumber(by)),
    op: 'increment',
    ...checkWriteOptions('increment', options),
  }),
  add: (path: PathInput, member: unknown, options?: WriteOptions): NewOp => ({
    ...target('add', path, () => takeMember(member)),
    op: 'add',
    ...checkWriteOptions('add', options),
  }),
  remove: (path: PathInput, member: unknown, options?: WriteOptions): NewOp => ({
    ...target('remove', path, () => takeMember(member)),
    op: 'remove',
    ...checkWriteOptions('remove', options),
  }),
}

function target(call: string, path: PathInput, take: () => JsonValue): Pick<NewOp, 'path' | 'value'> {
  const rendered = normalizePath(path)
  return { path: rendered, value: takeFor(call, rendered, take) }
}

export function createWriteOperations(write: (store: string, op: NewOp) => Write): WriteOperations {
  /** Errors of arguments become the write's. */
  const issue = (store: string, op: () => NewOp): Write => {
    try {
      return write(checkStoreName(store), op())
    } catch (error) {
      return refusedWrite(error)
    }
  }
  return {
    put: (store, ...args) => issue(store, () => NEW_OPS.put(...args)),
    merge: (store, ...args) => issue(store, () => NEW_OPS.merge(...args)),
    delete: (store, ...args) => issue(store, () => NEW_OPS.delete(...args)),
    increment: (store, ...args) => issue(store, () => NEW_OPS.increment(...args)),
    add: (store, ...args) => issue(store, () => NEW_OPS.add(...args)),
    remove: (store, ...args) => issue(store, () => NEW_OPS.remove(...args)),
  }
}
