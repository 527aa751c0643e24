import type { Schedule } from './schedule.js'

/** Schedules that have found a bug, as they were shrunk. */
export const FINDS: readonly { readonly bug: string; readonly schedule: Schedule }[] = [
  {
    bug: 'I4: a leaf whose place a node takes while the copy is built anew',
    schedule: {
      seed: 59,
      conditions: { clients: ['json', 'json'], latency: { min: 20, max: 400 }, page: 3 },
      steps: [
        { after: 0, do: 'write', client: 0, op: 'merge', path: 'a/b/c', value: { b: { c: 'x', d: 0 } } },
        { after: 828, do: 'write', client: 1, op: 'increment', path: 'a/b/c', value: -2 },
        { after: 0, do: 'cut', client: 1, up: 4, down: 2 },
        { after: 0, do: 'remote', op: 'set', path: 'a/b/c', value: { b: 2.5, d: true } },
        { after: 0, do: 'backup' },
        { after: 0, do: 'restore', ms: 0 },
      ],
    },
  },
  {
    bug: 'I2: a failing read while a batch is judged',
    schedule: {
      seed: 376,
      conditions: { clients: ['json', 'json'], latency: { min: 1, max: 60 }, page: 3 },
      steps: [
        { after: 0, do: 'write', client: 0, op: 'merge', path: 'b/c', value: { d: 2.5 } },
        { after: 0, do: 'write', client: 1, op: 'increment', path: 'a', value: 0.5 },
        { after: 0, do: 'write', client: 1, op: 'set', path: 'a/c', value: { b: ['m'], d: 'x' } },
        { after: 1110, do: 'write', client: 1, op: 'increment', path: 'tally/c1', value: 7 },
        { after: 0, do: 'clientDisk', client: 0, statements: 19 },
        { after: 0, do: 'write', client: 0, op: 'add', path: 'a', value: 'n' },
        {
          after: 30,
          do: 'batch',
          client: 0,
          ops: [
            { op: 'set', path: 'a', value: 2.5 },
            { op: 'set', path: 'a/c', value: 1 },
            { op: 'increment', path: 'a', value: -2 },
          ],
          separate: false,
        },
        { after: 0, do: 'write', client: 1, op: 'delete', path: 'a', value: null },
      ],
    },
  },
  {
    bug: 'I4: a pending leaf whose place a node takes while the copy is mended',
    schedule: {
      seed: 2538,
      conditions: { clients: ['json', 'json'], latency: { min: 20, max: 400 }, page: 20 },
      steps: [
        { after: 0, do: 'rot', client: 0, nth: 1 },
        { after: 0, do: 'write', client: 1, op: 'set', path: 'a/b', value: { b: { b: ['m'] } } },
        {
          after: 2679,
          do: 'batch',
          client: 1,
          ops: [{ op: 'merge', path: 'a', value: { b: 'x', c: { b: [1, 2], d: 'x' }, d: { b: 1, c: {} } } }],
          separate: false,
        },
        { after: 0, do: 'rot', client: 0, nth: 7 },
        { after: 2145, do: 'write', client: 0, op: 'set', path: 'a', value: null },
        {
          after: 86,
          do: 'remote',
          op: 'set',
          path: 'a',
          value: { b: null, c: true, d: { b: [1, 2], c: [1, 2] } },
        },
      ],
    },
  },
]
