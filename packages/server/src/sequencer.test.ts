import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClosedError, type Op } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Reply } from './reply.js'
import { createSequencer, type Job, type JobResult, type Sequencer } from './sequencer.js'
import { createSqliteEngine } from './sqlite/store-file.js'
import type { LoggedOp, StoreStorage } from './storage.js'
import { createFakeClock } from './testing/fake-clock.js'
import { writeJob } from './write-job.js'

describe('sequencer', () => {
  let dataDir: string
  let storage: StoreStorage
  let transactions: number
  let commits: (readonly LoggedOp[])[]
  let sequencer: Sequencer

  const open = (receiptsKept?: number) => {
    const real = createSqliteEngine({ dataDir, ...(receiptsKept && { receiptsKept }) }).open('acme', 't')
    storage = {
      ...real,
      transaction(body) {
        transactions++
        return real.transaction(body)
      },
    }
    transactions = 0
    commits = []
    sequencer = createSequencer({ storage, clock: createFakeClock(), committed: (ops) => commits.push(ops) })
  }
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'dust-server-'))
    open()
  })
  afterEach(() => {
    sequencer.close()
    storage.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const submit = <T>(job: Job<T>) => new Promise<JobResult<T>>((resolve) => sequencer.submit(job, resolve))
  const set = (path: string, opId = path): Op => ({ op: 'set', path, value: 1, opId })
  const write = (op: Op) => submit(writeJob(op, 'd', { maxKeys: 0 }))
  const poison: Job<Reply> = () => {
    throw new Error('poison')
  }

  it('commits what has arrived in one transaction, and settles in order after announcing it', async () => {
    const order: string[] = []
    const jobs = ['a', 'b', 'c'].map((path) => write(set(path)).then(() => order.push(path)))
    expect(transactions).toBe(0)
    await Promise.all(jobs)
    expect(transactions).toBe(1)
    expect(commits.map((ops) => ops.map(({ seq, path }) => [seq, path]))).toEqual([
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ],
    ])
    expect(order).toEqual(['a', 'b', 'c'])
  })

  it('bounds a batch, so that a flood does not hold everything up', async () => {
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => write(set(`k${i}`))))
    expect(commits.map((ops) => ops.length)).toEqual([1_000, 1_000, 500])
    expect(sequencer.head()).toBe(2_500)
  })

  it('a job that fails takes no other with it, leaves no trace, and no gap', async () => {
    const half: Job<Reply> = (session) => {
      session.append({ op: 'set', path: 'half', value: 1 }, { deviceId: 'd', clientOpId: 'h' })
      throw new Error('after half of the work')
    }
    const results = await Promise.all([write(set('a')), submit(poison), submit(half), write(set('b'))])
    expect(results.map(({ ok }) => ok)).toEqual([true, false, false, true])
    expect([...storage.entries.scan()].map(({ path, seq }) => [path, seq])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect([sequencer.head(), storage.log.head(), storage.entries.count()]).toEqual([2, 2, 2])
    expect(commits.map((ops) => ops.map(({ seq }) => seq))).toEqual([[1], [2]])
  })

  it('a job that fails alone tells its error', async () => {
    expect(await submit(poison)).toEqual({ ok: false, error: new Error('poison') })
  })

  it('closing commits what is queued and refuses the rest', async () => {
    const queued = write(set('a'))
    sequencer.close()
    expect(await queued).toMatchObject({ ok: true })
    const late = await write(set('b'))
    expect(late).toMatchObject({ ok: false })
    expect(!late.ok && late.error).toBeInstanceOf(ClosedError)
  })

  it('E27 remembers a bounded number of ops, the newest', async () => {
    sequencer.close()
    storage.close()
    open(500)
    for (let i = 0; i < 2_000; i++) void write(set('k', `op-${i}`))
    await write(set('k', 'last'))
    const head = sequencer.head()
    expect(await write(set('k', 'op-1999')), 'a recent one').toMatchObject({
      value: { response: { store_seq: 2_000 } },
    })
    expect(sequencer.head()).toBe(head)
    expect(await write(set('k', 'op-0')), 'one that was forgotten').toMatchObject({
      value: { response: { store_seq: head + 1 } },
    })
  })

  it('compaction keeps the head, the entries and their revisions', async () => {
    await Promise.all([write(set('a')), write(set('b'))])
    expect(sequencer.compact()).toMatchObject({ seq: 2 })
    expect([storage.log.first(), storage.log.head(), sequencer.head()]).toEqual([null, 2, 2])
    await write(set('c'))
    expect([...storage.history.snapshotLeaves()].map(({ path, seq }) => [path, seq])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(storage.log.first()).toBe(3)
  })
})
