import { createDust, type StoreStatus } from '@dustlayer/client'
import { createBoardActions } from './board/actions.js'
import { watchBoard } from './board/board-feed.js'
import { createBoardPage } from './board/board-page.js'
import { startPresence } from './board/presence.js'
import { describeRemoteEdit } from './board/remote-edit.js'
import { createAnnouncer } from './shell/announce.js'
import { loadConfig } from './shell/config.js'
import type { Frame } from './shell/frame.js'
import { createIdentity, newId } from './shell/identity.js'
import { startRouter } from './shell/router.js'
import { createToaster } from './shell/toast.js'
import { offerUpdates } from './shell/update.js'
import { createOfflineSwitch } from './status/offline-switch.js'
import { createStatusBar } from './status/status-bar.js'
import { createWorldPage } from './world/world-page.js'

// The status bar keeps it for those who looked away.
const ERROR_MS = 10_000

/**
 * Opens the store and puts the pages into the frame.
 * @throws Error when the page cannot know where its store is.
 */
export async function startApp(frame: Frame): Promise<void> {
  const toast = createToaster(document.body)
  const announce = createAnnouncer(document.body)
  offerUpdates(toast)

  const { url, token, store: name } = await loadConfig()
  const dust = createDust({ url, token })
  const store = dust.store(name)
  const me = createIdentity(newId(), Math.random)
  const report = (what: string, error: unknown): void => {
    const text = `${what}. ${error instanceof Error ? error.message : String(error)}`
    statusBar.fail(text)
    toast({ text, tone: 'error', lasts: ERROR_MS })
  }

  let switchedOff = false
  let status: StoreStatus | undefined
  const showStatus = (): void => {
    if (status) statusBar.show({ ...status, switchedOff })
  }
  const offline = createOfflineSwitch((off) => {
    dust.setOnline(!off)
    switchedOff = off
    // With the server down already, the status stays as it is: the switch must show all the same.
    showStatus()
  })
  const statusBar = createStatusBar((online) => offline.set(!online))
  frame.foot(statusBar.element)

  let live = false
  const presence = startPresence({
    store,
    me,
    online: () => live,
    changed: () => board.showPeers(presence.peers()),
    report,
  })
  const actions = createBoardActions(store, me.id, report)
  const board = createBoardPage({ actions, toast, announce, editing: (task) => presence.editing(task) })
  const nameOf = (id: string): string | undefined => presence.peers().find((peer) => peer.id === id)?.name
  // On a first visit all of the board is news, and none of it worth a remark.
  let returning = false
  const feed = watchBoard({
    store,
    report,
    show: board.show,
    hintOf: (event) => (event.catchUp && !returning ? undefined : describeRemoteEdit(event, me.id, nameOf)),
  })

  store.onStatus((next) => {
    returning ||= next.connection === 'live' || (status === undefined && next.lastStoreSeq > 0)
    status = next
    showStatus()
    const wasLive = live
    live = next.connection === 'live'
    if (live && !wasLive) presence.beat()
    feed.refresh()
  })

  const world = createWorldPage(store, report)
  frame.add('board', board.element)
  frame.add('world', world.element)
  startRouter(({ page, rest }) => {
    frame.show(page)
    if (page === 'world') world.open(rest[0])
    else world.leave()
  })
}
