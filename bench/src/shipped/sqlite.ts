import { openSqlite } from '../page/peers/sqlite.js'

await (await openSqlite()).put('greeting', 'hello')
