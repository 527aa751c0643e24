import { openDexie } from './dexie.js'
import { openDust } from './dust.js'
import { openIdbKeyval } from './idb-keyval.js'
import type { Peer, PeerName, Session } from './peer.js'
import { openSqlite } from './sqlite.js'

export function openPeer(name: PeerName, session: Session): Promise<Peer> {
  switch (name) {
    case 'dust':
      return openDust({ ...session, name: 'bench' })
    case 'dust offline':
      // Port 9 is the discard service: nothing listens there, so each attempt to connect is refused at once.
      return openDust({ ...session, url: 'ws://127.0.0.1:9/ws/sync', name: 'bench-offline' })
    case 'idb-keyval':
      return openIdbKeyval('default')
    case 'idb-keyval strict':
      return openIdbKeyval('strict')
    case 'dexie':
      return openDexie('default')
    case 'dexie strict':
      return openDexie('strict')
    case 'sqlite':
      return openSqlite()
  }
}
