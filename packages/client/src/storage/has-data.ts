import { databaseName } from './idb.js'
import { directoryOf } from './opfs.js'

/** Whether files or a database of the instance are on this device, as far as the browser tells. Opens and makes nothing. */
export async function hasData(instance: string): Promise<boolean> {
  const found = await Promise.all([hasFiles(instance), hasDatabase(instance)])
  return found.includes(true)
}

async function hasFiles(instance: string): Promise<boolean> {
  try {
    const root = await navigator.storage.getDirectory()
    await root.getDirectoryHandle(directoryOf(instance))
    return true
  } catch {
    return false
  }
}

async function hasDatabase(instance: string): Promise<boolean> {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === databaseName(instance))
  } catch {
    return false
  }
}
