import { dataScenarios } from './data.js'
import { lifeScenarios } from './life.js'
import { networkScenarios } from './network.js'
import { pageScenarios } from './pages.js'
import type { Scenario } from './scenario.js'
import { tabScenarios } from './tabs.js'

/** The whole list, in the order of docs/browsers.md. */
export const scenarios: readonly Scenario[] = [
  ...tabScenarios,
  ...lifeScenarios,
  ...networkScenarios,
  ...dataScenarios,
  ...pageScenarios,
]
