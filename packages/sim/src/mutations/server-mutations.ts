import type { Mutation } from './mutation.js'

export const SERVER_MUTATIONS: readonly Mutation[] = [
  {
    bug: 'the server does not recognise an op that is sent again',
    why: 'it takes effect twice',
    edits: [
      {
        file: 'server/src/resend.ts',
        find: 'const known = storage.receipts.find(key)',
        replace: 'const known = undefined',
      },
    ],
    within: 100,
  },
  {
    bug: 'compaction forgets what was answered',
    why: 'an op from before it that is sent again takes effect twice',
    edits: [
      {
        file: 'server/src/sqlite/history.ts',
        find: '    dropOps.run(seq)\n',
        replace: "    dropOps.run(seq)\n    db.exec('DELETE FROM receipts')\n",
      },
    ],
    within: 400,
  },
  {
    bug: 'compaction deletes one op too many',
    why: 'nobody who was behind gets that op',
    edits: [
      {
        file: 'server/src/sqlite/history.ts',
        find: 'dropOps.run(seq)',
        replace: 'dropOps.run(seq + 1)',
      },
    ],
    within: 300,
  },
  {
    bug: 'catch-up skips an op between two pages',
    why: 'clients that were away miss it, and cannot go live',
    edits: [{ file: 'server/src/catch-up.ts', find: 'sent(last.seq)', replace: 'sent(last.seq + 1)' }],
    within: 100,
  },
  {
    bug: 'ops are announced before they are committed',
    why: 'when the commit fails, clients have what never happened',
    edits: [
      {
        file: 'server/src/sequencer.ts',
        find: 'for (const queued of batch) queued.run(session)\n      })',
        replace:
          'for (const queued of batch) queued.run(session)\n        if (session.appended.length > 0) committed(session.appended)\n      })',
      },
    ],
    within: 400,
    only: ['serverCrash', 'serverDisk'],
  },
  {
    bug: 'a refused batch keeps the ops before the refused one',
    why: 'part of it takes effect',
    edits: [
      {
        file: 'server/src/write-session.ts',
        find: "if (reply.status === 'error') throw new Refused()",
        replace: '',
      },
    ],
    within: 100,
  },
  {
    bug: 'what a refused batch had appended is announced',
    why: 'clients get ops that are not in the log',
    edits: [{ file: 'server/src/write-session.ts', find: 'appended.length = before', replace: '' }],
    within: 100,
  },
  {
    bug: 'events for a slow client are dropped',
    why: 'it never gets them',
    edits: [
      {
        file: 'server/src/member.ts',
        find: "      state = 'reading'\n      readLater()\n",
        replace: '',
      },
    ],
    within: 400,
    only: ['slow'],
  },
  {
    bug: 'writes behind one that was turned away for the moment are accepted',
    why: 'they overtake it',
    edits: [
      {
        file: 'server/src/turns.ts',
        find: 'if (awaited !== null && awaited !== opId)',
        replace: 'if (false)',
      },
    ],
    within: 100,
  },
  {
    bug: 'a lease is granted although somebody holds it',
    why: 'two clients believe that they are alone',
    edits: [{ file: 'protocol/src/plan.ts', find: "if (live) return refuse('held')", replace: '' }],
    within: 300,
  },
  {
    bug: 'fences are not checked',
    why: 'a client whose lease has run out writes all the same',
    edits: [
      {
        file: 'protocol/src/plan.ts',
        find: 'op.fence && !fenceHolds(op.fence, entries, context)',
        replace: 'false',
      },
    ],
    within: 300,
  },
]
