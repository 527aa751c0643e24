import {
  type ExtensionName,
  type FramePayload,
  type JsonValue,
  type Permissions,
  parseJoinReplyExtensions,
  type StoreAccess,
} from '@dustlayer/protocol'

/** What a join tells about this token (spec/wire.md §4). */
export interface Grants {
  readonly permissions: Permissions
  readonly scopes: readonly string[]
  readonly storeAccess: StoreAccess
}

/** What a join tells about the store (docs/protocol-extensions.md). */
export interface JoinTerms {
  /** The end of the server's log at the join; null when the server did not tell. */
  readonly head: number | null
  readonly extensions: readonly ExtensionName[]
  /** Null from a server without such ids. */
  readonly incarnation: string | null
  /** The server goes on as if this client had nothing yet. */
  readonly reset: boolean
}

/** Reads the response to a join; what an older server leaves out counts as allowed, and its refusals will tell. */
export function parseGrants({ permissions, scopes, store_access: access }: FramePayload): Grants {
  const allowed = asObject(permissions)
  const { mode, store_ids: ids } = asObject(access)
  return {
    permissions: { read: allowed.read !== false, write: allowed.write !== false },
    scopes: textsOf(scopes),
    storeAccess: { mode: mode === 'all' ? 'all' : 'selected', store_ids: textsOf(ids) },
  }
}

/** @throws FrameError when what the server says about extensions is malformed. */
export function parseTerms(response: FramePayload): JoinTerms {
  const { store_seq: head } = response
  return {
    head: typeof head === 'number' && Number.isSafeInteger(head) && head >= 0 ? head : null,
    ...parseJoinReplyExtensions(response),
  }
}

function asObject(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
