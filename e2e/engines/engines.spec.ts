import { scenarios } from './scenarios/all.js'
import { test } from './world.js'

for (const { title, play } of scenarios) {
  test(title, ({ world }) => play(world))
}
