import { driverSuite } from '@dustlayer/replica/testing'
import init from '@sqlite.org/sqlite-wasm'
import { describe, expect, it } from 'vitest'
import { createWasmDriver } from './wasm-driver.js'

const sqlite3 = await init()
const openDriver = () => createWasmDriver(sqlite3, new sqlite3.oo1.DB(':memory:'))

describe('the driver over sqlite-wasm', () => {
  it.each(driverSuite)('$name', ({ run }) => {
    const driver = openDriver()
    run(driver)
    driver.close()
  })

  it('binds texts of any length, one after the other', () => {
    const driver = openDriver()
    driver.exec('create table t (v)')
    const texts = ['', 'x'.repeat(100_000), 'short', '€'.repeat(2_000), '\0', 'é😀\0x', '\ufeffx']
    for (const text of texts) driver.run('insert into t (v) values (?)', [text])
    expect(driver.all('select v from t order by rowid').flat()).toEqual(texts)
    driver.close()
  })
})
