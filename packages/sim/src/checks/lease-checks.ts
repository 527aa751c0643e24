import { type Entry, type Fence, isObject, type JsonMap } from '@dustlayer/protocol'
import type { LoggedOp } from '@dustlayer/server'
import type { Findings } from '../violation.js'

/** The entries as they were before an op. */
export type Before = (path: string) => Entry | undefined

/** At any time a lease has one holder, and what is fenced happens while its lease is held (spec/semantics.md §6). */
export function checkLeases(
  { seq, op, path, clientOpId, insertedAt }: LoggedOp,
  before: Before,
  fence: Fence | null,
  findings: Findings,
): void {
  const held = leaseAt(before, path, insertedAt)
  if (op === 'lease' && held)
    findings.add('leases', `${path} is leased as event ${seq}, while the lease ${held.token} is held.`)
  if (!fence || leaseAt(before, fence.key, insertedAt)?.token === fence.token) return
  findings.add('leases', `${clientOpId} took effect as event ${seq}; its fence ${fence.key} did not hold.`)
}

function leaseAt(before: Before, path: string, now: number): JsonMap | undefined {
  const value = before(path)?.value
  if (value === undefined || !isObject(value) || value._type !== 'lease') return undefined
  return Number(value.expires_at) > now ? value : undefined
}
