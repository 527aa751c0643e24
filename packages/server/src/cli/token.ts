import { OptionError } from '@dustlayer/protocol'
import type { TokenRecord } from '../catalog.js'
import { systemClock } from '../clock.js'
import { parseScopes } from '../scope.js'
import { createToken } from '../token.js'
import type { Command } from './commands.js'
import { dataOption, withCatalog, withExistingCatalog } from './data-option.js'
import { table } from './table.js'

export const tokenCreateCommand: Command = {
  name: 'token create',
  help: 'Creates a token and prints it, this once. Only a hash of it is kept.',
  options: {
    data: dataOption,
    store: {
      type: 'string',
      value: 'ORG/NAME',
      multiple: true,
      help: 'a store that the token is for; repeatable; org/* for all stores of the organization',
    },
    scopes: {
      type: 'string',
      value: 'LIST',
      help: 'what the token may do, as in entries:read,entries:write',
    },
    name: { type: 'string', value: 'NAME', help: 'a name to recognize it by' },
    ttl: { type: 'string', value: 'SECONDS', help: 'how long it is valid (default: until it is revoked)' },
    json: { type: 'boolean', help: 'print {"id","token"}' },
  },
  run(options) {
    const scopes = parseScopes(options.required('scopes'))
    const ttl = options.count('ttl')
    const name = options.text('name')
    const stores = options.list('store')
    if (stores.length === 0)
      throw new OptionError('--store is missing. Give org/name, or org/* for all of its stores.')
    withCatalog(options, (catalog) => {
      const now = systemClock.now()
      const created = createToken(
        catalog,
        {
          stores,
          scopes,
          ...(name !== undefined && { name }),
          ...(ttl !== undefined && { expiresAt: now + ttl * 1_000 }),
        },
        now,
      )
      process.stdout.write(`${options.flag('json') ? JSON.stringify(created) : created.token}\n`)
    })
  },
}

export const tokenListCommand: Command = {
  name: 'token list',
  help: 'Lists the tokens, without their text.',
  options: { data: dataOption, json: { type: 'boolean', help: 'print the tokens as JSON' } },
  run(options) {
    withExistingCatalog(options, (catalog) => {
      const tokens = catalog.tokens.list()
      if (options.flag('json')) {
        const shown = tokens.map(({ hash: _, ...token }) => token)
        process.stdout.write(`${JSON.stringify(shown)}\n`)
        return
      }
      const rows = tokens.map((token) => [
        token.id,
        token.name,
        `…${token.last4}`,
        token.storeAccess === 'all' ? `${token.org}/*` : `${token.org} (${token.storeIds.length})`,
        stateOf(token, systemClock.now()),
        token.scopes.join(','),
      ])
      process.stdout.write(table(['Id', 'Name', 'Token', 'Stores', 'State', 'Scopes'], rows))
    })
  },
}

export const tokenRevokeCommand: Command = {
  name: 'token revoke',
  help: 'Revokes a token. Connections that use it end within seconds.',
  positionals: ['id'],
  options: { data: dataOption },
  run(options) {
    const id = options.positionals[0] ?? ''
    withExistingCatalog(options, (catalog) => {
      if (!catalog.tokens.revoke(id, systemClock.now())) {
        throw new OptionError(`There is no valid token with the id ${id}. See dust-server token list.`)
      }
      process.stdout.write('Token revoked.\n')
    })
  },
}

function stateOf({ revokedAt, expiresAt }: TokenRecord, now: number): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'valid'
}
