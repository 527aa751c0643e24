import {
  FrameError,
  type FramePayload,
  type JoinExtensions,
  parseJoinExtensions,
  type Rejection,
} from '@dustlayer/protocol'
import { type Agreed, agree, NO_EXTENSIONS } from './agreement.js'
import type { StoreRecord } from './catalog.js'
import type { OpenStore } from './open-store.js'
import { accepted, type Reply, rejected } from './reply.js'
import type { Services } from './services.js'
import { readStoreName } from './store-name.js'
import { type Grant, grantsStore, refusal } from './token.js'

/** The protocol generation that this server speaks, and the oldest it serves (spec/wire.md §12). */
export const CAPVER = 3

export type JoinOutcome =
  | {
      readonly ok: true
      readonly store: OpenStore
      readonly agreed: Agreed
      readonly reply: Reply
    }
  | { readonly ok: false; readonly reply: Reply }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Decides a join of `store:<reference>`, in the order of spec/wire.md §4. */
export function decideJoin(
  services: Services,
  grant: Grant,
  reference: string,
  payload: FramePayload,
): JoinOutcome {
  const lastStoreSeq = readLastStoreSeq(payload)
  if (lastStoreSeq === undefined)
    return refused({ reason: 'join crashed', message: 'last_store_seq is missing' })
  const asked = readExtensions(payload)
  if (asked instanceof FrameError) return refused({ reason: 'join crashed', message: asked.message })
  if (!reference.includes('/') && !UUID.test(reference)) {
    return refused({ reason: 'join crashed', message: 'The topic names neither org/name nor a store id' })
  }
  const record = services.hub.find(reference) ?? createInDevelopment(services, grant, reference)
  if (!record)
    return refused({
      reason: asked && isArchived(services, grant, reference) ? 'store_archived' : 'unauthorized',
    })
  const denied = refusal(grant, record, 'entries:read')
  if (denied) return refused(denied)
  const store = services.hub.open(record)
  const agreed = asked
    ? agree(store, asked, lastStoreSeq)
    : { agreement: NO_EXTENSIONS, lastStoreSeq, reply: {} }
  return { ok: true, store, agreed, reply: accepted({ ...joinResponse(store, grant), ...agreed.reply }) }
}

/** Told only to peers that know the answer (docs/protocol-extensions.md), and that could have read the store. */
function isArchived({ catalog }: Services, grant: Grant, reference: string): boolean {
  const name = readStoreName(reference)
  const record = name && catalog.stores.findByName(name)
  return record !== undefined && refusal(grant, record, 'entries:read') === undefined
}

/** What a grant allows on a store; part of the join reply and of the status. */
export function permissionsOf(grant: Grant, store: StoreRecord) {
  const granted = grantsStore(grant, store)
  return {
    permissions: {
      read: granted && grant.scopes.includes('entries:read'),
      write: granted && grant.scopes.includes('entries:write'),
    },
    scopes: [...grant.scopes],
    store_access: { mode: grant.storeAccess, store_ids: [...grant.storeIds] },
  }
}

function joinResponse(store: OpenStore, grant: Grant) {
  const head = store.sequencer.head()
  return { store_seq: head, capver: CAPVER, capver_min: CAPVER, ...permissionsOf(grant, store.record) }
}

function refused(rejection: Rejection): JoinOutcome {
  return { ok: false, reply: rejected(rejection) }
}

/** Undefined when it is missing or no integer; a negative one is as good as 0. */
function readLastStoreSeq(payload: FramePayload): number | null | undefined {
  const given = payload.last_store_seq
  if (given === null) return null
  return typeof given === 'number' && Number.isSafeInteger(given) ? Math.max(0, given) : undefined
}

function readExtensions(payload: FramePayload): JoinExtensions | null | FrameError {
  try {
    return parseJoinExtensions(payload)
  } catch (error) {
    if (error instanceof FrameError) return error
    throw error
  }
}

function createInDevelopment({ devOrg, hub, logger, catalog }: Services, grant: Grant, reference: string) {
  const name = readStoreName(reference)
  if (!name || devOrg === undefined || name.org !== devOrg || grant.org !== devOrg) return undefined
  if (grant.storeAccess !== 'all' || catalog.stores.findByName(name)) return undefined
  logger.info('store created by a join, as this is development mode', { store: reference })
  return hub.create(reference)
}
