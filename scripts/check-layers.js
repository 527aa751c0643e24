// Refuses imports, dependencies and project references that point up the layer order.
import { checkLayers } from './layers/check.js'
import { projectRoot } from './setup/project.js'

const problems = checkLayers(projectRoot)
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1
