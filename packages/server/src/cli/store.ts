import { OptionError } from '@dustlayer/protocol'
import { systemClock } from '../clock.js'
import { openDataDir } from '../data-dir.js'
import type { OpenStore } from '../open-store.js'
import { createStoreRecord } from '../store-hub.js'
import { parseStoreName } from '../store-name.js'
import type { Command } from './commands.js'
import { dataDirOf, dataOption, withCatalog, withExistingCatalog } from './data-option.js'
import type { GivenOptions } from './options.js'
import { table } from './table.js'

export const storeCreateCommand: Command = {
  name: 'store create',
  help: 'Creates a store. A running server sees it at once.',
  positionals: ['org/name'],
  options: {
    data: dataOption,
    ttl: { type: 'string', value: 'SECONDS', help: 'archive the store after so long (default: never)' },
    json: { type: 'boolean', help: 'print the store as JSON' },
  },
  run(options) {
    withCatalog(options, (catalog) => {
      const ttl = options.count('ttl')
      const expiry = ttl === undefined ? {} : { expiresAt: systemClock.now() + ttl * 1_000 }
      const store = createStoreRecord(catalog, systemClock, options.positionals[0] ?? '', expiry)
      const text = `Created ${store.org}/${store.name} (id ${store.id})`
      process.stdout.write(`${options.flag('json') ? JSON.stringify(store) : text}\n`)
    })
  },
}

export const storeListCommand: Command = {
  name: 'store list',
  help: 'Lists the stores.',
  options: { data: dataOption, json: { type: 'boolean', help: 'print the stores as JSON' } },
  run(options) {
    withExistingCatalog(options, (catalog) => {
      const stores = catalog.stores.list()
      if (options.flag('json')) {
        process.stdout.write(`${JSON.stringify(stores)}\n`)
        return
      }
      const rows = stores.map(({ id, org, name, status, createdAt, expiresAt }) => {
        return [`${org}/${name}`, status, time(createdAt), expiresAt === null ? 'never' : time(expiresAt), id]
      })
      process.stdout.write(table(['Store', 'Status', 'Created', 'Expires', 'Id'], rows))
    })
  },
}

export const storeCompactCommand: Command = {
  name: 'store compact',
  help: 'Replaces the whole log of a store by a snapshot. The server must not be running.',
  positionals: ['org/name'],
  options: { data: dataOption },
  run(options) {
    withStore(options, ({ sequencer }, name) => {
      const snapshot = sequencer.compact()
      return snapshot ? `Compacted ${name} at ${snapshot.seq}` : `Nothing to compact in ${name}`
    })
  },
}

const RENEW_HELP = `Gives a store a new incarnation, as after its restore from a backup. The server must not be running.

Clients that have seen more than the backup holds then notice that it is another history: they load the store anew
and send what they have not sent yet. Without this they would take later ops for ones that they have.`

export const storeRenewCommand: Command = {
  name: 'store renew',
  help: RENEW_HELP,
  positionals: ['org/name'],
  options: { data: dataOption },
  run(options) {
    withStore(options, ({ storage }, name) => `${name} has the new incarnation ${storage.identity.renew()}`)
  },
}

/** Prints what the body makes of the store; holds the data directory meanwhile. */
function withStore(options: GivenOptions, body: (store: OpenStore, name: string) => string): void {
  // What a command does to a store is what it says, and no compaction besides.
  const data = openDataDir({ dataDir: dataDirOf(options), clock: systemClock, compaction: null })
  try {
    const name = options.positionals[0] ?? ''
    const record = data.catalog.stores.findByName(parseStoreName(name))
    if (!record) throw new OptionError(`There is no store ${name}. See dust-server store list.`)
    process.stdout.write(`${body(data.hub.open(record), name)}\n`)
  } finally {
    data.close()
  }
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
