import { databaseName } from './idb.js'
import { hasFiles } from './opfs.js'

/** Whether files or a database of the instance are on this device, as far as the browser tells. Opens and makes nothing. */
export async function hasData(instance: string): Promise<boolean> {
  const found = await Promise.all([hasFiles(instance), hasDatabase(instance)])
  return found.includes(true)
}

async function hasDatabase(instance: string): Promise<boolean> {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === databaseName(instance))
  } catch {
    return false
  }
}
