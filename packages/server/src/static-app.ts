import { statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { OptionError } from '@dustlayer/protocol'
import sirv from 'sirv'

export type StaticApp = (request: IncomingMessage, response: ServerResponse) => void

const YEAR_SECONDS = 31_536_000

// Bundlers put a hash of the content before the extension: such a file never changes under its name.
const HASHED_NAME = /[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/

/**
 * Serves the files of a built web app at `/`.
 * @throws OptionError when the directory does not exist.
 */
export function createStaticApp(dir: string): StaticApp {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new OptionError(
      `--app ${dir} is no directory. Build the app first, then give the directory of its files.`,
    )
  }
  // `dev` reads the directory at every request, so that an app can be rebuilt under a running server.
  const serve = sirv(dir, {
    dev: true,
    etag: true,
    extensions: ['html'],
    setHeaders: (response, path) => response.setHeader('Cache-Control', cacheControl(path)),
  })
  return (request, response) =>
    serve(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end('Not found\n')
    })
}

function cacheControl(path: string): string {
  const hashed = path.startsWith('/assets/') && HASHED_NAME.test(path)
  return hashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache'
}
