import { ClosedError, ConflictError, errorToData, OptionError, UnavailableError } from '@dustlayer/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPendingWrites, refusedWrite } from './writes.js'

const unhandled: unknown[] = []
const remember = (error: unknown): void => {
  unhandled.push(error)
}
beforeAll(() => {
  process.on('unhandledRejection', remember)
})
afterAll(() => {
  process.off('unhandledRejection', remember)
})

/** Unhandled rejections are told after the microtasks of a turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('resolves when durable, and again when committed', async () => {
  const writes = createPendingWrites()
  const write = writes.follow('op_1', Promise.resolve())
  const receipt = await write
  expect(receipt.opId).toBe('op_1')
  writes.settle({ opId: 'op_1', verdict: { state: 'committed', revision: 7 } })
  expect(await write.committed).toEqual({ revision: 7 })
  expect(await receipt.committed).toEqual({ revision: 7 })
})

test('a verdict may come before the write is known to be durable', async () => {
  const writes = createPendingWrites()
  let becomeDurable = (): void => undefined
  const local = new Promise<void>((resolve) => {
    becomeDurable = resolve
  })
  const write = writes.follow('op_1', local)
  writes.settle({ opId: 'op_1', verdict: { state: 'committed', revision: 7 } })
  expect(await write.committed).toEqual({ revision: 7 })
  becomeDurable()
  expect((await write).opId).toBe('op_1')
})

test('a rejection is an error of its own class, and nobody has to look at it', async () => {
  const writes = createPendingWrites()
  const write = writes.follow('op_1', Promise.resolve())
  await write
  const error = errorToData(new ConflictError('no', 3))
  writes.settle({ opId: 'op_1', verdict: { state: 'rejected', error } })
  await turn()
  expect(unhandled).toEqual([])
  await expect(write.committed).rejects.toMatchObject({ code: 'conflict', currentRevision: 3 })
  await expect(write.committed).rejects.toBeInstanceOf(ConflictError)
})

test('a local failure is both promises’, and who looks at one is not told of the other', async () => {
  const writes = createPendingWrites()
  const failure = new UnavailableError('no')
  const looksAtCommitted = writes.follow('op_1', Promise.reject(failure))
  await expect(looksAtCommitted.committed).rejects.toBe(failure)
  const looksAtWrite = writes.follow('op_2', Promise.reject(failure))
  await expect(looksAtWrite).rejects.toBe(failure)
  const refused = refusedWrite(new OptionError('no'))
  await expect(refused.committed).rejects.toBeInstanceOf(OptionError)
  await turn()
  expect(unhandled).toEqual([])
})

test('a failure that nobody looks at at all is uncaught, as of any promise', async () => {
  const failure = new OptionError('no')
  refusedWrite(failure)
  await turn()
  expect(unhandled.splice(0)).toEqual([failure])
})

test('closing ends the wait for verdicts; a forgotten op has none', async () => {
  const writes = createPendingWrites()
  const forgotten = writes.follow('op_1', Promise.resolve())
  writes.settle({ opId: 'op_1', verdict: undefined })
  await expect(forgotten.committed).rejects.toBeInstanceOf(UnavailableError)
  const open = writes.follow('op_2', Promise.resolve())
  await open
  writes.close(new ClosedError('closed'))
  await expect(open.committed).rejects.toBeInstanceOf(ClosedError)
})
