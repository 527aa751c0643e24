import type { FramePayload, JsonValue, Permissions, StoreAccess } from '@dustlayer/protocol'

/** What a join tells about this token (spec/wire.md §4). */
export interface Grants {
  readonly permissions: Permissions
  readonly scopes: readonly string[]
  readonly storeAccess: StoreAccess
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

function asObject(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
