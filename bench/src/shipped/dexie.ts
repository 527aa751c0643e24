import { Dexie } from 'dexie'

const database = new Dexie('app')
database.version(1).stores({ rows: 'key' })
await database.table('rows').put({ key: 'greeting', value: 'hello' })
