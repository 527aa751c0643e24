import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { OptionError, type Rejection } from '@dustlayer/protocol'
import type { Catalog, StoreRecord, TokenRecord } from './catalog.js'
import { checkExpiry } from './expiry.js'
import type { Scope } from './scope.js'
import { isOrg, parseStoreName } from './store-name.js'

const PREFIX = 'dust_tok_'

/** What a token allows, as read when a connection was made. */
export interface Grant {
  readonly tokenId: string
  readonly org: string
  readonly storeAccess: 'all' | 'selected'
  readonly storeIds: readonly string[]
  readonly scopes: readonly Scope[]
}

export interface NewToken {
  /** `org/name`, or `org/*` for every store of the organization. */
  readonly stores: readonly string[]
  readonly scopes: readonly Scope[]
  readonly name?: string
  /** Epoch milliseconds; never unless given. */
  readonly expiresAt?: number
}

/** A token that was just made; `token` is shown this once. */
export interface CreatedToken {
  readonly id: string
  readonly token: string
}

/** @throws OptionError when a store is unknown, the stores belong to several organizations, or the expiry is no date. */
export function createToken(catalog: Catalog, wanted: NewToken, now: number): CreatedToken {
  const token = PREFIX + randomBytes(32).toString('base64url')
  const id = randomUUID()
  catalog.tokens.add({
    id,
    hash: hashToken(token),
    last4: token.slice(-4),
    name: wanted.name ?? 'token',
    ...storeGrant(catalog, wanted.stores),
    scopes: [...wanted.scopes].sort(),
    createdAt: now,
    expiresAt: checkExpiry(wanted.expiresAt),
    revokedAt: null,
  })
  return { id, token }
}

function storeGrant(
  catalog: Catalog,
  stores: readonly string[],
): Pick<TokenRecord, 'org' | 'storeAccess' | 'storeIds'> {
  const orgs = [...new Set(stores.map((store) => store.split('/')[0] ?? ''))]
  const org = orgs[0] ?? ''
  if (orgs.length !== 1 || !isOrg(org)) {
    throw new OptionError(
      'A token is for stores of one organization: give org/name, or org/* for all of its stores.',
    )
  }
  if (stores.includes(`${org}/*`)) return { org, storeAccess: 'all', storeIds: [] }
  const storeIds = stores.map((store) => {
    const record = catalog.stores.findByName(parseStoreName(store))
    if (record) return record.id
    throw new OptionError(`There is no store ${store}. Create it first: dust-server store create ${store}`)
  })
  return { org, storeAccess: 'selected', storeIds: [...new Set(storeIds)].sort() }
}

/** The grant of a token's text, undefined unless it is known, not revoked and not expired. */
export function authenticate(catalog: Catalog, token: string, now: number): Grant | undefined {
  if (!token.startsWith(PREFIX)) return undefined
  const record = catalog.tokens.findByHash(hashToken(token))
  if (!record || !catalog.tokens.isLive(record.id, now)) return undefined
  const { id, org, storeAccess, storeIds, scopes } = record
  return { tokenId: id, org, storeAccess, storeIds, scopes }
}

/** Why the grant does not cover this, the store before the scope; undefined when it does. */
export function refusal(grant: Grant, store: StoreRecord, scope: Scope): Rejection | undefined {
  if (!grantsStore(grant, store)) {
    return { reason: 'store_not_allowed', message: 'Token does not have access to this store' }
  }
  if (grant.scopes.includes(scope)) return undefined
  return { reason: 'missing_scope', scope, message: `Token is missing ${scope} scope` }
}

export function grantsStore(grant: Grant, store: StoreRecord): boolean {
  if (grant.org !== store.org) return false
  return grant.storeAccess === 'all' || grant.storeIds.includes(store.id)
}

function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
