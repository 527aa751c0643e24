import { FrameError } from '../errors.js'
import type { FramePayload } from '../frame.js'

// Readers of single fields. `what` names the message in the error, as in "A snapshot chunk".

/** A store_seq: a safe integer from 0. @throws FrameError */
export function seqField(payload: FramePayload, field: string, what: string): number {
  const value = payload[field]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new FrameError(`${what} has no usable ${field}.`)
}

/** @throws FrameError */
export function textField(payload: FramePayload, field: string, what: string): string {
  const value = payload[field]
  if (typeof value === 'string') return value
  throw new FrameError(`${what}: ${field} is no text.`)
}

/** Absent counts as null. @throws FrameError */
export function textOrNullField(payload: FramePayload, field: string, what: string): string | null {
  return (payload[field] ?? null) === null ? null : textField(payload, field, what)
}
