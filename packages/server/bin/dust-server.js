#!/usr/bin/env node
import { existsSync } from 'node:fs'

const cli = new URL('../dist/cli.js', import.meta.url)
if (existsSync(cli)) {
  const { main } = await import(cli.href)
  await main(process.argv.slice(2))
} else {
  process.stderr.write(
    'dust-server is not built yet. Run `pnpm build` in the root of the repository first.\n',
  )
  process.exitCode = 1
}
