import { bootstrap } from './bootstrap.js'
import { callbackOtherBrowser, callbackOtherTab } from './callbacks.js'
import { coldOpen } from './cold-open.js'
import { firstPaint } from './first-paint.js'
import { firstSync } from './first-sync.js'
import { handOver } from './hand-over.js'
import { inPage } from './in-page.js'
import { ingestWorker } from './ingest-worker.js'
import { PAGE_SCENARIOS } from './page-scenarios.js'
import { patterns } from './patterns.js'
import { rebase } from './rebase.js'
import { reconnect } from './reconnect.js'
import type { Scenario } from './scenario.js'
import { serverWrites } from './server-writes.js'
import { shippedBytes } from './shipped-bytes.js'

export const SCENARIOS: readonly Scenario[] = [
  coldOpen,
  firstPaint,
  ...PAGE_SCENARIOS.map(inPage),
  callbackOtherTab,
  callbackOtherBrowser,
  handOver,
  ingestWorker,
  rebase,
  reconnect,
  bootstrap,
  firstSync,
  shippedBytes,
  serverWrites,
  patterns,
]
