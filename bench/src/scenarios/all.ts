import { callbackOtherBrowser, callbackOtherTab } from './callbacks.js'
import { coldOpen } from './cold-open.js'
import { firstSync } from './first-sync.js'
import { inPage } from './in-page.js'
import { ingestWorker } from './ingest-worker.js'
import { PAGE_SCENARIOS } from './page-scenarios.js'
import type { Scenario } from './scenario.js'
import { serverWrites } from './server-writes.js'
import { shippedBytes } from './shipped-bytes.js'

export const SCENARIOS: readonly Scenario[] = [
  coldOpen,
  ...PAGE_SCENARIOS.map(inPage),
  callbackOtherTab,
  callbackOtherBrowser,
  ingestWorker,
  firstSync,
  shippedBytes,
  serverWrites,
]
