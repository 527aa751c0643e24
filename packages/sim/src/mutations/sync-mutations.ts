import type { Mutation } from './mutation.js'

export const SYNC_MUTATIONS: readonly Mutation[] = [
  {
    bug: 'the cursor is the newest event instead of the last without a gap',
    why: 'a missing event is never missed',
    edits: [
      {
        file: 'sync/src/inbox.ts',
        find: 'while (events.has(readyEnd + 1)) readyEnd += 1',
        replace: 'readyEnd = Math.max(readyEnd, known)',
      },
      {
        file: 'replica/src/following.ts',
        find: 'if (seq !== last + 1) throw gap(last, seq)',
        replace: '',
      },
    ],
    within: 200,
    only: ['mangle'],
  },
  {
    bug: 'a gap in the events is never asked about',
    why: 'the client stays behind',
    edits: [
      {
        file: 'sync/src/gap-watch.ts',
        find: 'alarm.set(GAP_MS, onMissing)',
        replace: '',
      },
    ],
    within: 300,
    only: ['mangle'],
  },
  {
    bug: 'an unanswered heartbeat ends nothing',
    why: 'a dead connection is taken for a live one for ever',
    edits: [{ file: 'sync/src/session.ts', find: '} else options.silent()', replace: '}' }],
    within: 300,
  },
  {
    bug: 'an op that is turned away for the moment is given up',
    why: 'the write is lost although nothing is wrong with it',
    edits: [
      {
        file: 'sync/src/outbox-pump.ts',
        find: 'turnAway(error, waitMs)\n        return',
        replace: 'reject(shipment, error, opIndex)\n        return',
      },
    ],
    within: 100,
  },
  {
    bug: 'another history of the store is not noticed',
    why: 'the copy becomes a mixture of both',
    edits: [
      {
        file: 'sync/src/intake.ts',
        find: 'const restored = terms.reset || otherHistory()',
        replace: 'const restored = false',
      },
    ],
    within: 400,
  },
  {
    bug: 'digests are never compared',
    why: 'a copy that has gone bad stays so',
    edits: [
      {
        file: 'sync/src/verification.ts',
        find: 'if (waited) start()\n    else next.set(firstAfterMs, live)',
        replace: '',
      },
    ],
    within: 400,
  },
  {
    bug: 'what was under way when a connection ended is never sent again',
    why: 'it stays pending for ever',
    edits: [
      {
        file: 'sync/src/outbox-pump.ts',
        find: '      hold = null\n      sentThrough = 0\n',
        replace: '      hold = null\n',
      },
    ],
    within: 200,
  },
]
