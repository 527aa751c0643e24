import { set } from 'idb-keyval'

await set('greeting', 'hello')
