import { OptionError } from '@dustlayer/protocol'
import { systemClock } from '../clock.js'
import { openDataDir } from '../data-dir.js'
import { createStoreRecord } from '../store-hub.js'
import { parseStoreName } from '../store-name.js'
import type { Command } from './commands.js'
import { dataDirOf, dataOption, withCatalog, withExistingCatalog } from './data-option.js'
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
  help: 'Replaces the log of a store by a snapshot. The server must not be running.',
  positionals: ['org/name'],
  options: { data: dataOption },
  run(options) {
    const data = openDataDir({ dataDir: dataDirOf(options), clock: systemClock })
    try {
      const name = options.positionals[0] ?? ''
      const record = data.catalog.stores.findByName(parseStoreName(name))
      if (!record) throw new OptionError(`There is no store ${name}. See dust-server store list.`)
      const snapshot = data.hub.open(record).sequencer.compact()
      process.stdout.write(
        snapshot ? `Compacted ${name} at ${snapshot.seq}\n` : `Nothing to compact in ${name}\n`,
      )
    } finally {
      data.close()
    }
  },
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
