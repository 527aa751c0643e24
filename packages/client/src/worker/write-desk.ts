import { AuthorizationError, DustError, OptionError } from '@dustlayer/protocol'
import type { LocalOp, RejectedWrite, Replica } from '@dustlayer/replica'
import type { StoreSync } from '@dustlayer/sync'
import type { RejectionEdit } from '../tab/calls.js'
import type { Postbox } from './postbox.js'
import type { WriteCall } from './run-calls.js'

/** Takes the tabs' writes, and tells each tab what became of its own. */
export interface WriteDesk {
  /**
   * `again`: the call may have been made before, to a leader that is gone.
   * @throws DustError when it may not be written at all.
   */
  write(tab: string, call: WriteCall, again: boolean): void
  /** Tells the tab at once when the op is settled already, else when it will be. */
  awaitVerdict(tab: string, opId: string): void
  dropTab(tab: string): void
  close(): void
}

export interface WriteDeskOptions {
  readonly store: string
  readonly replica: Replica
  readonly sync: StoreSync
  readonly postbox: Postbox
  /** A verdict has been told. */
  onSettled(): void
}

export function createWriteDesk({ store, replica, sync, postbox, onSettled }: WriteDeskOptions): WriteDesk {
  /** Which tab waits for an op's verdict. */
  const waiting = new Map<string, string>()

  const awaitVerdict = (tab: string, opId: string): void => {
    const verdict = replica.verdict(opId)
    if (verdict?.state === 'pending') waiting.set(opId, tab)
    else postbox.settled(tab, { opId, verdict })
  }

  const follow = (tab: string, opId: string, again: boolean): void => {
    if (again) awaitVerdict(tab, opId)
    else waiting.set(opId, tab)
  }

  const mayWrite = (path: string): void => {
    const { permissions } = sync.status()
    // Who has joined may read; before the first join nothing is known, and the write waits for the server's word.
    if (permissions.read && !permissions.write) throw missingWriteScope(store, path)
  }

  const retry = (tab: string, opId: string, newOpId: string, edit: RejectionEdit, again: boolean): void => {
    if (!(again && replica.verdict(newOpId))) {
      const refused = replica.rejections().find((write) => write.opId === opId)
      if (!refused) throw unknownRejection(store, opId)
      const edited = editedOp(refused, newOpId, edit)
      mayWrite(edited.path)
      replica.retryRejection(opId, edited)
    }
    follow(tab, newOpId, again)
  }

  const stopVerdicts = replica.onVerdict((opId, verdict) => {
    const tab = waiting.get(opId)
    if (tab === undefined || verdict.state === 'pending') return
    waiting.delete(opId)
    postbox.settled(tab, { opId, verdict })
    onSettled()
  })

  return {
    write(tab, call, again) {
      switch (call.kind) {
        case 'write':
          mayWrite(call.op.path)
          replica.write(call.op)
          follow(tab, call.op.opId, again)
          break
        case 'batch':
          for (const { path } of call.batch.ops) mayWrite(path)
          replica.writeBatch(call.batch)
          for (const { opId } of call.batch.ops) follow(tab, opId, again)
          break
        case 'retryRejection':
          retry(tab, call.opId, call.newOpId, call.edit, again)
      }
    },
    awaitVerdict,
    dropTab(tab) {
      for (const [opId, waiter] of waiting) if (waiter === tab) waiting.delete(opId)
    },
    close: stopVerdicts,
  }
}

/** The refused op with what is to be different. */
function editedOp(refused: RejectedWrite, opId: string, edit: RejectionEdit): LocalOp {
  const { op, path, value } = refused
  if (op === 'delete' && edit.value !== undefined)
    throw new OptionError(
      `The refused write at ${path} is a delete, which has no value. Put the value instead.`,
    )
  const ifMatch = edit.ifMatch === undefined ? refused.ifMatch : edit.ifMatch
  const ifAbsent = edit.ifAbsent ?? refused.ifAbsent
  const fence = edit.fence === undefined ? refused.fence : edit.fence
  return {
    op,
    path: edit.path ?? path,
    value: edit.value === undefined ? value : edit.value,
    opId,
    ...(typeof ifMatch === 'number' && { ifMatch }),
    ...(ifAbsent === true && { ifAbsent }),
    ...(fence && { fence }),
  }
}

function unknownRejection(store: string, opId: string): DustError {
  const message = `${store}: there is no refused write ${opId} in the inbox. It may have been retried or dropped in another tab.`
  return new DustError('unknown_rejection', message, { store, opId })
}

/** The server would refuse it anyway: say so at the call, before anything shows (spec/conformance.md I19). */
function missingWriteScope(store: string, path: string): AuthorizationError {
  return new AuthorizationError(
    'missing_scope',
    `The token lacks the scope entries:write for ${store}, so ${path} was not written. Use a token that may write.`,
    'entries:write',
    { store, path },
  )
}
