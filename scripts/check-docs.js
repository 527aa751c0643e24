// Refuses documents that link to or name files that are not there.
import { checkDocs } from './docs/check.js'
import { projectRoot } from './setup/project.js'

const problems = checkDocs(projectRoot)
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1
