import { spawnSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonValue } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from './cli.js'
import { createServer } from './server.js'
import { withTempDir } from './testing/temp-dir.js'
import { connect } from './testing/test-client.js'

let out: string
let err: string
beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** Runs one command; fails when it fails. */
async function run(...args: string[]): Promise<string> {
  out = ''
  await main(args)
  expect([process.exitCode, err]).toEqual([undefined, ''])
  return out.trim()
}

async function failure(...args: string[]): Promise<string> {
  err = ''
  await main(args)
  expect(process.exitCode).toBeGreaterThan(0)
  return err.trim()
}

describe('command line', () => {
  it('stores and tokens that it makes work in a server, and revoked tokens do not', async () => {
    await withTempDir(async (dir) => {
      const at = ['--data', dir]
      expect(await run('store', 'create', 'acme/todos', ...at)).toMatch(
        /^Created acme\/todos \(id [0-9a-f-]{36}\)$/,
      )
      const token = await run(
        'token',
        'create',
        '--store',
        'acme/todos',
        '--scopes',
        'entries:read,entries:write',
        ...at,
      )
      expect(token).toMatch(/^dust_tok_[\w-]{43}$/)
      const all = JSON.parse(
        await run('token', 'create', '--store', 'acme/*', '--scopes', 'entries:read', '--json', ...at),
      )

      const server = await createServer({ dataDir: dir })
      const client = await connect({ url: server.url, token })
      expect((await client.join('store:acme/todos')).response).toMatchObject({
        scopes: ['entries:read', 'entries:write'],
        store_access: { mode: 'selected', store_ids: [expect.any(String)] },
      })
      await run('store', 'create', 'acme/later', '--ttl', '3600', ...at)
      const other = await connect({ url: server.url, token: all.token })
      expect((await other.join('store:acme/later')).status, 'made while the server runs').toBe('ok')

      const listed = JSON.parse(await run('token', 'list', '--json', ...at))
      expect(listed.map(({ id }: { id: string }) => id)).toContain(all.id)
      expect(JSON.stringify(listed)).not.toContain('hash')
      expect(await run('token', 'list', ...at)).toContain('valid')
      expect(await run('token', 'revoke', all.id, ...at)).toBe('Token revoked.')
      expect(await run('token', 'list', ...at)).toContain('revoked')
      other.send(['1', 'x', 'store:acme/later', 'status', {}])
      expect((await other.closed).code).toBe(1008)

      await client.write('store:acme/todos', { op: 'set', path: 'a', value: 1, client_op_id: 'o' })
      expect(await failure('store', 'compact', 'acme/todos', ...at)).toContain('Another dust-server is using')
      process.exitCode = undefined
      err = ''
      client.close()
      await server.close()
      expect(await run('store', 'compact', 'acme/todos', ...at)).toBe('Compacted acme/todos at 1')
      expect(await run('store', 'compact', 'acme/todos', ...at)).toBe('Nothing to compact in acme/todos')
      expect(await run('store', 'renew', 'acme/todos', ...at)).toMatch(
        /^acme\/todos has the new incarnation [0-9a-f]{32}$/,
      )
      expect(await run('store', 'list', ...at)).toMatch(
        /Store +Status +Created +Expires +Id\nacme\/later +active/,
      )
      expect(JSON.parse(await run('store', 'list', '--json', ...at))).toHaveLength(2)
    })
  })

  it('clients of a store that was restored from a backup and renewed start over', async () => {
    await withTempDir(async (dataDir) => {
      const file = join(dataDir, 'stores/acme/t.db')
      const backup = join(dataDir, 'backup.db')
      const asked = { extensions: ['incarnation'], incarnation: null }
      const serve = async (lastStoreSeq: number, incarnation: JsonValue) => {
        const server = await createServer({ dataDir })
        if (server.listStores().length === 0) server.createStore('acme/t')
        const { token } = server.createToken({
          stores: ['acme/t'],
          scopes: ['entries:read', 'entries:write'],
        })
        const client = await connect({ url: server.url, token })
        const { response } = await client.join('store:acme/t', lastStoreSeq, { ...asked, incarnation })
        const write = (path: string) =>
          client.write('store:acme/t', { op: 'set', path, value: 1, client_op_id: path })
        const stop = () => {
          client.close()
          return server.close()
        }
        return { response, write, stop }
      }
      const before = await serve(0, null)
      await before.write('kept')
      await before.stop()
      cpSync(file, backup)
      const { incarnation = null } = before.response
      const lost = await serve(1, incarnation)
      expect(lost.response.reset).toBeUndefined()
      await lost.write('lost')
      await lost.stop()

      cpSync(backup, file)
      await run('store', 'renew', 'acme/t', '--data', dataDir)
      const after = await serve(2, incarnation)
      expect(after.response).toMatchObject({ reset: true, store_seq: 1 })
      expect(after.response.incarnation).not.toBe(incarnation)
      await after.stop()
    })
  })

  it('says what to do when it is not built', async () => {
    await withTempDir(async (dir) => {
      cpSync(new URL('../bin', import.meta.url), join(dir, 'bin'), { recursive: true })
      writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
      const { status, stderr } = spawnSync(process.execPath, [join(dir, 'bin/dust-server.js'), 'serve'])
      expect([status, stderr.toString()]).toEqual([1, expect.stringContaining('Run `pnpm build`')])
    })
  })

  it('has help on everything', async () => {
    expect(await run('--help')).toContain('token create')
    expect(await run()).toContain('dust-server <command>')
    expect(await run('token', '--help')).not.toContain('store create')
    for (const command of [
      'serve',
      'store create',
      'store list',
      'store compact',
      'store renew',
      'token create',
      'token list',
      'token revoke',
    ]) {
      const help = await run(...command.split(' '), '--help')
      expect(help).toContain(`Usage: dust-server ${command}`)
      expect(help).toContain('--data DIR')
    }
    expect(await run('serve', '--help')).toContain('DEVELOPMENT ONLY')
  })

  it.each([
    [['sreve'], 'There is no command "sreve"'],
    [['serve', '--prot', '1'], 'Unknown option --prot. Did you mean --port?'],
    [['serve', '--sychronous=full'], 'Did you mean --synchronous?'],
    [['serve', '--unheard-of'], 'Unknown option --unheard-of. See --help.'],
    [['serve', '--port', 'x'], '--port is a whole number, not "x"'],
    [['serve', '--synchronous', 'off'], '--synchronous is full or normal, not "off"'],
    [['serve', '--port'], '--port'],
    [['serve', '--compact-keep', '7d'], '--compact-keep is a whole number'],
    [['serve', '--compact-max-ops', '5'], 'compaction.maxOps'],
    [['serve', 'extra'], 'Usage: dust-server serve'],
    [['store', 'create'], 'Usage: dust-server store create <org/name>'],
    [['store', 'create', '../../etc'], 'is no store name'],
    [['store', 'create', 'Acme/x'], 'is no store name'],
    [['store', 'renew', 'acme/none'], 'There is no store acme/none'],
    [['store', 'compact', 'acme/none'], 'There is no store acme/none'],
    [['token', 'create', '--scopes', 'entries:read'], '--store is missing'],
    [['token', 'create', '--store', 'acme/x'], '--scopes is missing'],
    [['token', 'create', '--store', 'acme/none', '--scopes', 'entries:read'], 'Create it first'],
    [['token', 'create', '--store', 'a/*', '--store', 'b/*', '--scopes', 'entries:read'], 'one organization'],
    [['token', 'create', '--store', 'a/*', '--scopes', 'entries:red'], '"entries:red" is no scope'],
    [['store', 'create', 'acme/x', '--ttl', '9000000000000'], 'The expiry is no date'],
    [
      ['token', 'create', '--store', 'a/*', '--scopes', 'entries:read', '--ttl', '999999999999999'],
      'no date',
    ],
    [['store', 'list', '--data', '/nowhere/at/all'], 'There is no directory /nowhere/at/all'],
    [['token', 'revoke', 'x'], 'There is no valid token with the id x'],
  ])('%j fails with a sentence that helps', async (args, message) => {
    await withTempDir(async (dir) => {
      const wrong =
        args.length > 1 && !args.includes('--port') && !args.includes('--data')
          ? [...args, '--data', dir]
          : args
      expect(await failure(...wrong)).toContain(message)
    })
  })
})
