import { callbackSameTab } from './callback-same-tab.js'
import { list } from './list.js'
import { loneRead } from './lone-read.js'
import { loneWrite } from './lone-write.js'
import type { PageScenario } from './page-scenario.js'
import { readsAtOnce } from './reads-at-once.js'
import { writesAtOnce } from './writes-at-once.js'

export const PAGE_SCENARIOS: readonly PageScenario[] = [
  loneWrite,
  writesAtOnce,
  loneRead,
  readsAtOnce,
  list,
  callbackSameTab,
]
