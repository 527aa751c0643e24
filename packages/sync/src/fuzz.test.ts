import { EXTENSIONS, type ExtensionName, type Frame } from '@dustlayer/protocol'
import { openReplica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import type { Peer } from './testing/fake-network.js'
import { createDice, type Dice, mutateFrame, randomFrame } from './testing/mutate-frame.js'
import { createWorld, OTHER_STORE, STORE, type World } from './testing/world.js'

/** DUST_FUZZ_SECONDS: how long each of the tests runs. DUST_FUZZ_SEED: repeats a run that failed. */
const seconds = Number(process.env.DUST_FUZZ_SECONDS ?? 2)
const firstSeed = Number(process.env.DUST_FUZZ_SEED ?? Date.now() % 2 ** 32)
const timeout = seconds * 1_000 + 60_000

const TOPIC = `store:${STORE}`
const STEPS = 40

/** One world after another, each with a seed of its own, which the message of a failure names. */
function fuzz(attempt: (dice: Dice) => void): void {
  const end = performance.now() + seconds * 1_000
  let tried = 0
  do {
    const seed = (firstSeed + tried) >>> 0
    tried += 1
    try {
      attempt(createDice(seed))
    } catch (cause) {
      throw new Error(`Repeat with DUST_FUZZ_SEED=${seed} DUST_FUZZ_SECONDS=0`, { cause })
    }
  } while (performance.now() < end)
  console.info(`${tried} worlds from seed ${firstSeed}`)
}

/** A server that is out of its mind about one store, while `madness.share` of the frames are not as they should be. */
function derange(world: World, dice: Dice): { share: number } {
  const madness = { share: 0 }
  let late: (() => void)[] = []
  const disturb = (frame: Frame, send: (frame: Frame) => void): void => {
    switch (dice.below(6)) {
      case 0:
        break
      case 1:
        for (const twice of [frame, frame]) send(twice)
        break
      case 2:
        late.push(() => send(frame))
        break
      case 3:
        for (const each of [randomFrame(TOPIC, dice), frame]) send(each)
        break
      default:
        send(mutateFrame(frame, dice))
    }
  }
  const deranged = new WeakSet<Peer>()
  const { handlers } = world.server
  const { frame: receive } = handlers
  handlers.frame = (peer, message) => {
    if (!deranged.has(peer)) {
      deranged.add(peer)
      const { send } = peer
      peer.send = (frame) => {
        const honest = frame[2] !== TOPIC || dice.random() >= madness.share
        if (honest) send(frame)
        else disturb(frame, send)
        if (late.length <= 3 && (!honest || dice.random() < 0.8)) return
        for (const run of late) run()
        late = []
      }
    }
    receive?.(peer, message)
  }
  return madness
}

function step(world: World, dice: Dice, at: number): void {
  const key = `k${dice.below(4)}`
  switch (dice.below(9)) {
    case 0:
      world.put(key, at)
      break
    case 1:
      // What a mad server has made of the counter may be no number, or too large a one.
      if (Number.isSafeInteger(world.replica.get('n') ?? 0))
        world.write({ op: 'increment', path: 'n', value: 1 })
      break
    case 2:
      world.batch({ [`${key}/a`]: at, [`${key}/b`]: at }, { separate: dice.random() < 0.5 })
      break
    case 3:
      world.server.foreign({ op: 'set', path: key, value: { at }, opId: `f${at}` })
      break
    case 4:
      world.server.compact(dice.below(world.server.model.head + 1))
      break
    case 5:
      world.network.peers.at(-1)?.send(randomFrame(TOPIC, dice))
      break
    case 6:
      world.server.crash()
      break
    case 7:
      world.sync.synced().catch(() => {})
      break
    default:
      world.sync.verify().catch(() => {})
  }
  world.time.advance(dice.pick([1, 20, 500, 5_000, 60_000]))
}

/** Everything that a server can have talked a client into ends with a fresh look at a server in its right mind. */
function recover(world: World): void {
  world.client.reconnect()
  world.server.foreign({ op: 'set', path: 'again', value: 1, opId: 'again' })
  world.settle(7_200_000)
  world.sync.resync('the server is itself again')
  world.time.advance(1_000)
  world.settle(7_200_000)
  expect(world.differences()).toEqual([])
}

test.each<[string, readonly ExtensionName[]]>([
  ['a reference server', []],
  ['a server with all extensions', EXTENSIONS],
])(
  '%s that loses its mind: nothing is thrown, the other store notices nothing, and all is well afterwards',
  (_, extensions) => {
    fuzz((dice) => {
      const world = createWorld({
        dedup: true,
        extensions,
        random: dice.random,
        latency: () => dice.below(30),
      })
      const replica = openReplica({
        driver: openBetterSqlite(),
        store: OTHER_STORE,
        deviceId: 'dev_1',
        now: () => world.time.now,
      })
      const other = world.client.attach(OTHER_STORE, replica.sync)
      const madness = derange(world, dice)
      world.server.pageSize = 2
      world.settle()
      world.time.until(() => other.status().state === 'live')
      const states: string[] = []
      other.onStatus(({ state }) => states.push(state))
      madness.share = dice.pick([0.05, 0.3, 1])
      for (let at = 0; at < STEPS; at += 1) {
        step(world, dice, at)
        world.otherServer.foreign({ op: 'set', path: 'k', value: at, opId: `o${at}` })
      }
      world.time.advance(1_000)
      expect(states.filter((state) => state !== 'live')).toEqual([])
      expect(replica.get('k')).toBe(STEPS - 1)
      madness.share = 0
      recover(world)
      world.client.close()
      expect(world.clock.pending).toBe(0)
      for (const open of [world.replica, replica]) open.close()
    })
  },
  timeout,
)

test(
  'messages that are no frames end the connection, and nothing else',
  () => {
    fuzz((dice) => {
      const world = createWorld({
        format: dice.pick(['json', 'msgpack']),
        random: dice.random,
        latency: () => dice.below(30),
      })
      world.put('a', 1)
      for (let at = 0; at < STEPS; at += 1) {
        world.network.peers.at(-1)?.sendRaw(noise(dice))
        world.time.advance(dice.pick([1, 100, 10_000]))
      }
      world.client.reconnect()
      world.settle(600_000)
      expect(world.server.effects).toEqual(['op_1'])
      world.client.close()
      expect(world.clock.pending).toBe(0)
      world.replica.close()
    })
  },
  timeout,
)

function noise(dice: Dice): string | ArrayBuffer {
  const bytes = Uint8Array.from({ length: dice.below(40) }, () => dice.below(256))
  const text = dice.pick([
    '',
    '[',
    '{}',
    'null',
    '[1,2,3]',
    '["1","1","store:acme/app","event",{}',
    '[[[[[[[[',
  ])
  return dice.random() < 0.5 ? bytes.buffer : text
}
