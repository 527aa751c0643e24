export { openBetterSqlite } from './better-sqlite.js'
export { type DriverCase, driverSuite } from './driver-suite.js'
export { createRun, type Draft, type Run, type Step } from './run.js'
