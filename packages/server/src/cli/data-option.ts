import { existsSync } from 'node:fs'
import { OptionError } from '@dustlayer/protocol'
import type { Catalog } from '../catalog.js'
import { openCatalog } from '../sqlite/catalog-file.js'
import type { GivenOptions, OptionSpec } from './options.js'

/** The option that all commands share. */
export const dataOption: OptionSpec = {
  type: 'string',
  value: 'DIR',
  help: 'where everything is kept (default: ./dust-data)',
}

export function dataDirOf(options: GivenOptions): string {
  return options.text('data') ?? 'dust-data'
}

/** Runs the body with the catalog of the data directory, which is made when it is not there. */
export function withCatalog(options: GivenOptions, body: (catalog: Catalog) => void): void {
  const catalog = openCatalog(dataDirOf(options))
  try {
    body(catalog)
  } finally {
    catalog.close()
  }
}

/**
 * For commands that only look: a mistyped directory shall not be made, and then found empty.
 * @throws OptionError when the data directory is not there.
 */
export function withExistingCatalog(options: GivenOptions, body: (catalog: Catalog) => void): void {
  const dir = dataDirOf(options)
  if (!existsSync(dir))
    throw new OptionError(`There is no directory ${dir}. Say with --data where the data is.`)
  withCatalog(options, body)
}
