import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { createLocalChannels } from '../tab/channel.js'
import { instanceNames } from '../tab/instance-names.js'
import { createLocalLocks } from '../tab/locks.js'
import { createLeaderDesk } from './leader-desk.js'

test('the end of long work, which is told in a later turn, is told to nobody once the leader has left', () => {
  const openChannel = createLocalChannels()
  const names = instanceNames('default')
  const desk = createLeaderDesk({
    names,
    build: { v: 1, schema: 1 },
    leader: 'leader',
    epoch: 1,
    ownTab: 'own',
    toOwnTab: () => undefined,
    openChannel,
    locks: createLocalLocks(),
    clock: createFakeTime().clock(),
    onSignal: () => undefined,
    onPaused: () => undefined,
    onNewer: () => undefined,
    onLate: () => undefined,
  })
  desk.setBusy(true)
  desk.close()
  // A channel that is closed throws, and in a worker nobody would catch it.
  expect(() => desk.setBusy(false)).not.toThrow()
})
