export { openBetterSqlite } from './better-sqlite.js'
export { type DriverCase, driverSuite } from './driver-suite.js'
