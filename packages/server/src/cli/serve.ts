import type { CompactionPolicy } from '../compaction-policy.js'
import { createLogger, type Logger } from '../log.js'
import { createServer, type DustServer } from '../server.js'
import type { Command } from './commands.js'
import { dataDirOf, dataOption } from './data-option.js'
import type { GivenOptions } from './options.js'

const HELP = `Runs the server until it gets SIGTERM or SIGINT, which stop it in good order.

One server at a time may use a data directory. A resent op gets its first reply again and takes effect once as long
as the store remembers it: the newest 100,000 ops of each store are remembered, across restarts and compaction.

The old end of a store's log is folded into a snapshot by itself; a client that comes back from before it gets the
snapshot instead of the ops.`

export const serveCommand: Command = {
  name: 'serve',
  help: HELP,
  options: {
    host: { type: 'string', value: 'HOST', help: 'the address to listen on (default: 127.0.0.1)' },
    port: {
      type: 'string',
      value: 'PORT',
      help: 'the port to listen on; 0 takes a free one (default: 7755)',
    },
    data: dataOption,
    dev: {
      type: 'boolean',
      help: 'DEVELOPMENT ONLY: a store dev/main, a printed token that may do everything, pages of this machine allowed',
    },
    app: { type: 'string', value: 'DIR', help: 'serve the static files of a built web app at /' },
    origin: {
      type: 'string',
      value: 'ORIGIN',
      multiple: true,
      help: 'let pages of this origin connect, as in https://app.example.com; repeatable; * for all',
    },
    synchronous: {
      type: 'string',
      value: 'full|normal',
      help: 'full survives a power cut; normal is faster and may then lose the last moments (default: full)',
    },
    'max-writes-per-minute': {
      type: 'string',
      value: 'N',
      help: 'writes that each token may make in a minute; 0 is no limit (default: 0)',
    },
    'max-keys': {
      type: 'string',
      value: 'N',
      help: 'leaves that a store may hold; 0 is no limit (default: 0)',
    },
    'compact-min-ops': {
      type: 'string',
      value: 'N',
      help: 'of the log of each store, always keep the newest N ops (default: 10000)',
    },
    'compact-keep': {
      type: 'string',
      value: 'SECONDS',
      help: 'and keep ops for so long (default: 604800, a week)',
    },
    'compact-max-ops': {
      type: 'string',
      value: 'N',
      help: 'but never more than N ops, whoever may still need them (default: 1000000)',
    },
    'keep-log': { type: 'boolean', help: 'never compact a log by itself' },
    'idle-timeout': {
      type: 'string',
      value: 'SECONDS',
      help: 'close connections that send nothing for so long (default: 60)',
    },
    json: {
      type: 'boolean',
      help: 'print one line {"url","httpUrl","token","store"} when ready, for programs',
    },
    verbose: { type: 'boolean', help: 'log connections too' },
  },
  run: serve,
}

async function serve(options: GivenOptions): Promise<void> {
  const logger = createLogger({
    write: (line) => process.stderr.write(`${line}\n`),
    form: process.stderr.isTTY ? 'text' : 'json',
    level: options.flag('verbose') ? 'debug' : 'info',
  })
  const idleSeconds = options.count('idle-timeout')
  const server = await createServer({
    dataDir: dataDirOf(options),
    host: options.text('host'),
    port: options.count('port') ?? 7755,
    dev: options.flag('dev'),
    app: options.text('app'),
    origins: options.list('origin'),
    synchronous: options.choice('synchronous', ['full', 'normal']),
    maxWritesPerMinute: options.count('max-writes-per-minute'),
    maxKeys: options.count('max-keys'),
    compaction: compactionOf(options),
    idleTimeoutMs: idleSeconds === undefined ? undefined : idleSeconds * 1_000,
    logger,
  })
  process.stdout.write(options.flag('json') ? machineLine(server) : greeting(server))
  stopOnSignal(server, logger)
}

function compactionOf(options: GivenOptions): Partial<CompactionPolicy> | false {
  if (options.flag('keep-log')) return false
  const minOps = options.count('compact-min-ops')
  const keepSeconds = options.count('compact-keep')
  const maxOps = options.count('compact-max-ops')
  return {
    ...(minOps !== undefined && { minOps }),
    ...(keepSeconds !== undefined && { keepMs: keepSeconds * 1_000 }),
    ...(maxOps !== undefined && { maxOps }),
  }
}

function machineLine({ url, httpUrl, dev }: DustServer): string {
  return `${JSON.stringify({ url, httpUrl, token: dev?.token ?? null, store: dev?.store ?? null })}\n`
}

function greeting({ url, httpUrl, dev }: DustServer): string {
  const access = dev
    ? `  store    ${dev.store}\n  token    ${dev.token}\n\nDEVELOPMENT MODE: whoever has this token may do everything. Not for real data.\n`
    : '\nMake a store and a token: dust-server store create, dust-server token create\n'
  return `Dust server\n  clients  ${url}\n  pages    ${httpUrl}\n${access}`
}

function stopOnSignal(server: DustServer, logger: Logger): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    // A second signal does not wait for anything.
    if (stopping) process.exit(1)
    stopping = true
    logger.info('stopping', { signal })
    server.close().then(
      () => process.exit(0),
      (error) => {
        logger.error('could not stop in good order', { error: String(error) })
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
