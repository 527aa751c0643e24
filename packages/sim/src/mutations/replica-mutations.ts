import type { Mutation } from './mutation.js'

export const REPLICA_MUTATIONS: readonly Mutation[] = [
  {
    bug: 'pending ops are not folded again after an event',
    why: 'readers see neither the old state nor the new one',
    edits: [
      {
        file: 'replica/src/apply.ts',
        find: 'if (stale) context.fold.invalidate(path)',
        replace: '',
      },
    ],
    within: 50,
  },
  {
    bug: 'pending adds and removes are not folded again when others change the set',
    why: 'readers see the members as they were when the op was issued',
    edits: [
      {
        file: 'replica/src/apply.ts',
        find: "new Set(['increment', 'add', 'remove'])",
        replace: "new Set(['increment'])",
      },
    ],
    within: 400,
  },
  {
    bug: 'a refusal does not take the effect of the op back',
    why: 'readers go on seeing it',
    edits: [
      {
        file: 'replica/src/answers.ts',
        find: '    fold.invalidate(path)\n    context.feed.refused',
        replace: '    context.feed.refused',
      },
    ],
    within: 100,
  },
  {
    bug: 'a refused op is not put on the list of refused ones',
    why: 'the app cannot try it again',
    edits: [
      {
        file: 'replica/src/answers.ts',
        find: 'context.rejections.add(pending, data, context.now())',
        replace: '',
      },
    ],
    within: 100,
  },
  {
    bug: 'a snapshot drops pending ops',
    why: 'they are lost',
    edits: [
      {
        file: 'replica/src/resync.ts',
        find: 'context.touched.everything()',
        replace: 'for (const { op } of [...outbox.all()]) outbox.remove(op.opId)',
      },
    ],
    within: 200,
  },
  {
    bug: 'a snapshot removes entries without telling',
    why: 'subscribers go on having them',
    edits: [
      {
        file: 'replica/src/resync.ts',
        find: "if (difference.kind === 'vanished') yield { path, now: undefined }\n    else",
        replace: "if (difference.kind !== 'vanished')",
      },
    ],
    within: 400,
  },
  {
    bug: 'the last entry of each part of a snapshot is lost',
    why: 'the copy is incomplete',
    edits: [
      {
        file: 'replica/src/staging.ts',
        find: 'for (const entry of entries) table.put',
        replace: 'for (const entry of [...entries].slice(0, -1)) table.put',
      },
    ],
    within: 100,
  },
  {
    bug: 'an op counts as done when it is acknowledged',
    why: 'its effect is not to be seen until its event comes',
    edits: [
      {
        file: 'replica/src/answers.ts',
        find: 'if (storeSeq === null || storeSeq <= cursor) {',
        replace: 'if (true) {',
      },
    ],
    within: 50,
  },
  {
    bug: 'an acknowledgement does not survive the process',
    why: 'the app is told twice',
    edits: [
      {
        file: 'replica/src/outbox.ts',
        find: "driver.run('update outbox set acked_seq = ? where position = ?', [seq, pending.position])",
        replace: '',
      },
    ],
    within: 300,
    only: ['mangle', 'kill'],
  },
  {
    bug: 'a put takes the place of one that is on its way',
    why: 'the one on its way takes effect without being anybody’s',
    edits: [
      {
        file: 'replica/src/outbox.ts',
        find: 'last.position <= readThrough || ',
        replace: '',
      },
    ],
    within: 100,
  },
  {
    bug: 'the outbox is sent from its end',
    why: 'ops take effect in another order than that of their issue',
    edits: [
      {
        file: 'replica/src/outbox.ts',
        find: 'for (const pending of byId.values()) {\n        if (pending.position <= after)',
        replace:
          'for (const pending of [...byId.values()].reverse()) {\n        if (pending.position <= after)',
      },
    ],
    within: 100,
  },
  {
    bug: 'an op does not wait for the own op whose result it depends on',
    why: 'it conflicts with that',
    edits: [
      {
        file: 'replica/src/outbox.ts',
        find: 'waitsFor: base && base.ackedSeq === null ? base.op.opId : null',
        replace: 'waitsFor: null',
      },
    ],
    within: 200,
  },
  {
    bug: 'events of one transaction are applied backwards',
    why: 'the oldest wins',
    edits: [
      {
        file: 'replica/src/apply.ts',
        find: 'fresh.forEach((event, i) => {\n          applyEvent(event, effects[i] ?? []',
        replace:
          'fresh.toReversed().forEach((event, i) => {\n          applyEvent(event, effects.toReversed()[i] ?? []',
      },
    ],
    within: 50,
  },
  {
    bug: 'after a restore of the server, ops that it had acknowledged are not sent again',
    why: 'they are lost, or pending for ever',
    edits: [
      {
        file: 'replica/src/resync.ts',
        find: 'if (reset) for (const { op } of outbox.ackedUpTo(Number.POSITIVE_INFINITY)) outbox.unacknowledge(op.opId)',
        replace: '',
      },
    ],
    within: 300,
    only: ['restore', 'mangle'],
  },
]
