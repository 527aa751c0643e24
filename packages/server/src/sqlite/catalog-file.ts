import { join } from 'node:path'
import { OptionError } from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type {
  Catalog,
  StoreDirectory,
  StoreRecord,
  TokenRecord,
  TokenTable,
  UploadIndex,
} from '../catalog.js'
import { CATALOG_MIGRATIONS } from './catalog-schema.js'
import { openDatabase } from './database.js'

/** Opens `catalog.db` in the data directory. */
export function openCatalog(dataDir: string): Catalog {
  const file = join(dataDir, 'catalog.db')
  const db = openDatabase({ file, migrations: CATALOG_MIGRATIONS, synchronous: 'full' })
  const seen = db.prepare(
    `INSERT INTO devices VALUES (?, ?, ?, ?)
     ON CONFLICT (device_id, token_id) DO UPDATE SET last_seen_at = excluded.last_seen_at`,
  )
  return {
    stores: createStoreDirectory(db),
    tokens: createTokenTable(db),
    uploads: createUploadIndex(db),
    deviceSeen(deviceId, tokenId, now) {
      seen.run(deviceId, tokenId, now, now)
    },
    check() {
      db.prepare('SELECT count(*) FROM stores').get()
    },
    close: () => db.close(),
  }
}

const STORE_COLUMNS = 'id, org, name, status, created_at AS createdAt, expires_at AS expiresAt'

function createUploadIndex(db: Database): UploadIndex {
  const insert = db.prepare('INSERT OR IGNORE INTO uploads VALUES (?, ?)')
  const stores = db.prepare<[string], StoreRecord>(
    `SELECT ${STORE_COLUMNS} FROM stores WHERE id IN (SELECT store_id FROM uploads WHERE hash = ?)`,
  )
  return {
    add: (hash, storeId) => void insert.run(hash, storeId),
    storesWith: (hash) => stores.all(hash),
  }
}

function createStoreDirectory(db: Database): StoreDirectory {
  const byName = db.prepare<[string, string], StoreRecord>(
    `SELECT ${STORE_COLUMNS} FROM stores WHERE org = ? AND name = ?`,
  )
  const byId = db.prepare<[string], StoreRecord>(`SELECT ${STORE_COLUMNS} FROM stores WHERE id = ?`)
  const all = db.prepare<[], StoreRecord>(`SELECT ${STORE_COLUMNS} FROM stores ORDER BY org, name`)
  const insert = db.prepare(
    `INSERT INTO stores VALUES (@id, @org, @name, @status, @createdAt, @expiresAt) ON CONFLICT (org, name) DO NOTHING`,
  )
  const archive = db.prepare("UPDATE stores SET status = 'archived' WHERE id = ?")
  return {
    findByName: ({ org, name }) => byName.get(org, name),
    findById: (id) => byId.get(id),
    create(record) {
      if (insert.run(record).changes === 0) {
        throw new OptionError(`The store ${record.org}/${record.name} exists already.`)
      }
    },
    archive(id) {
      archive.run(id)
    },
    list: () => all.all(),
  }
}

interface TokenRow extends Omit<TokenRecord, 'storeIds' | 'scopes'> {
  readonly storeIds: string
  readonly scopes: string
}

function createTokenTable(db: Database): TokenTable {
  const columns = `id, hash, last4, name, org, store_access AS storeAccess, store_ids AS storeIds, scopes,
    created_at AS createdAt, expires_at AS expiresAt, revoked_at AS revokedAt`
  const byHash = db.prepare<[Buffer], TokenRow>(`SELECT ${columns} FROM tokens WHERE hash = ?`)
  const all = db.prepare<[], TokenRow>(`SELECT ${columns} FROM tokens ORDER BY created_at, id`)
  const live = db
    .prepare<[string, number], number>(
      'SELECT 1 FROM tokens WHERE id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)',
    )
    .pluck()
  const insert = db.prepare(
    `INSERT INTO tokens VALUES (@id, @hash, @last4, @name, @org, @storeAccess, @storeIds, @scopes, @createdAt,
     @expiresAt, @revokedAt)`,
  )
  const revoke = db.prepare('UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
  // Both columns are only ever written below, so they have the shape that is read here.
  const toRecord = (row: TokenRow): TokenRecord => ({
    ...row,
    storeIds: JSON.parse(row.storeIds),
    scopes: JSON.parse(row.scopes),
  })
  return {
    add(token) {
      insert.run({
        ...token,
        storeIds: JSON.stringify(token.storeIds),
        scopes: JSON.stringify(token.scopes),
      })
    },
    findByHash(hash) {
      const row = byHash.get(hash)
      return row && toRecord(row)
    },
    isLive: (id, now) => live.get(id, now) === 1,
    list: () => all.all().map(toRecord),
    revoke: (id, now) => revoke.run(now, id).changes === 1,
  }
}
