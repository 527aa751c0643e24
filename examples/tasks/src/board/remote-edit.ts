import type { DustEvent } from '@dustlayer/client'

/** What another window did to a task, in a few words; `undefined` for own edits and for what cannot be shown on a card. */
export function describeRemoteEdit(
  event: Pick<DustEvent, 'op' | 'value' | 'catchUp' | 'error'>,
  me: string,
  nameOf: (window: string) => string | undefined,
): string | undefined {
  const { op, value, catchUp, error } = event
  if (error || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  if (fields.by === me || typeof fields.by !== 'string') return undefined
  const who = nameOf(fields.by)
  const when = catchUp
    ? 'while this window was away'
    : `just now · ${who === undefined ? 'other window' : `${who} (other window)`}`
  return `${verb(op, fields)} ${when}`
}

function verb(op: string, fields: Readonly<Record<string, unknown>>): string {
  if (op === 'set') return 'Added'
  if ('title' in fields) return 'Edited'
  if ('done' in fields) return fields.done === true ? 'Completed' : 'Reopened'
  return 'Moved'
}
