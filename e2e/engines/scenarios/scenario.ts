import type { World } from '../world.js'

/** Something that has to hold in each engine. Its title is a row of docs/browsers.md. */
export interface Scenario {
  readonly title: string
  readonly play: (world: World) => Promise<void>
}
