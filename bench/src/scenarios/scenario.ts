import type { Profile } from '../browser/pages.js'
import type { Section } from '../section.js'
import type { DustAddress } from '../server/process.js'

/** What a scenario is given. Browser and server are started when the first scenario asks for them. */
export interface Bench {
  readonly quick: boolean
  /** Rounds of a scenario; within a round each subject has its turn. */
  readonly rounds: number
  log(line: string): void
  server(): Promise<DustAddress>
  /** The profile that holds the filled data set of every peer. No page of it is open between scenarios. */
  profile(): Promise<Profile>
  /** A profile with nothing in it; the scenario closes it. */
  emptyProfile(): Promise<Profile>
}

export interface Scenario {
  readonly name: string
  run(bench: Bench): Promise<Section>
}
