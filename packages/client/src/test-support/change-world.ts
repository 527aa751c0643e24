import type { Replica } from '@dustlayer/replica'
import { createLiveQueries, type LiveQueries } from '../page/live.js'
import { NO_RECALL } from '../page/recall.js'
import { createReceipts } from '../page/receipts.js'
import { createSubscribers, type Subscribers } from '../page/subscribers.js'
import type { CallOf, LiveQuery, Subscription } from '../tab/calls.js'
import { createForetold } from '../tab/foretold.js'
import type { Foretelling, News, Position } from '../tab/news.js'
import { type ChangeDesk, createChangeDesk } from '../worker/change-desk.js'
import { createPostbox, type Parcel, type Postbox } from '../worker/postbox.js'
import { createSubscriptions } from '../worker/subscriptions.js'

const TAB = 'tab'
const STORE = 'o/s'

type ListenCall = CallOf<'subscribe' | 'unsubscribe' | 'live' | 'unlive'>

/** One page that listens to one leader after the other, with nothing between them but what a test wants. */
export interface ChangeWorld {
  readonly subscribers: Subscribers
  readonly live: LiveQueries
  /** What callbacks threw, and who ended without being told. */
  readonly reported: readonly unknown[]
  /** What is on its way arrives, unless it is held or lost. */
  flush(): void
  /** A leader begins; the one before has died, and what it had not delivered is lost. */
  lead(replica: Replica): void
  /**
   * How what a leader sends is treated: it arrives, waits until it may, is lost with its leader, or is lost but for
   * what was foretold, as when the leader dies between its commit and its message.
   */
  delivery: 'at once' | 'held' | 'lost' | 'foretold'
  /** Messages that are held. */
  readonly held: number
}

export function createChangeWorld(): ChangeWorld {
  const subscriptions = new Map<number, Subscription>()
  const queries = new Map<number, LiveQuery>()
  const open = new Map<number, ListenCall>()
  const reported: unknown[] = []
  const report = (error: unknown): void => void reported.push(error)
  let desk: ChangeDesk | undefined
  let postbox: Postbox | undefined
  let seen: Position | undefined
  const foretold = createForetold()
  let held: (Parcel | Foretelling)[] = []
  let ids = 0
  let leaders = 0
  let confirmed = 0

  const arrive = (message: Parcel | Foretelling): void => {
    if ('id' in message) {
      foretold.note(structuredClone(message))
      return
    }
    const parcel = { ...message, events: foretold.reveal(message.events) }
    foretold.settle(parcel.positions)
    for (const { batch } of parcel.answers) answered(batch)
    seen = parcel.positions[0] ?? seen
    for (const id of parcel.dropped) subscriptions.delete(id)
    const news: News = { ...structuredClone(parcel), leader: String(leaders) }
    subscribers.present(news.present)
    subscribers.deliver(news.events)
    subscribers.drop(news.dropped)
    live.deliver(news.live)
    receipts.taken(news)
    postbox?.received(TAB, { confirmed, received: parcel.flush })
    desk?.goOn(TAB)
  }

  const run = (batch: number, one: ListenCall): void => {
    switch (one.kind) {
      case 'subscribe':
        desk?.subscribe(TAB, one.subscription)
        break
      case 'unsubscribe':
        desk?.unsubscribe(TAB, one.id)
        break
      case 'live':
        desk?.live(TAB, one.query)
        break
      case 'unlive':
        desk?.unlive(TAB, one.id)
    }
    postbox?.answer(TAB, batch, [])
  }

  /** The tab's part: what the next leader must know, or be asked again. */
  const answered = (batch: number): void => {
    const one = open.get(batch)
    open.delete(batch)
    if (one?.kind === 'subscribe') subscriptions.set(one.subscription.id, one.subscription)
    else if (one?.kind === 'unsubscribe') subscriptions.delete(one.id)
    else if (one?.kind === 'live') queries.set(one.query.id, one.query)
    else if (one?.kind === 'unlive') queries.delete(one.id)
  }

  const call: Parameters<typeof createSubscribers>[0]['call'] = async (one) => {
    const batch = ++ids
    // The parts under test make these calls only.
    open.set(batch, one as ListenCall)
    run(batch, one as ListenCall)
    // Nobody looks at the answer.
    return null as never
  }

  const nextId = (): number => ++ids
  const receipts = createReceipts(({ flush }) => {
    confirmed = flush
  })
  const subscribers = createSubscribers({ call, nextId, report })
  const live = createLiveQueries({ call, recall: NO_RECALL, nextId, report })

  const world: ChangeWorld = {
    subscribers,
    live,
    reported,
    delivery: 'at once',
    flush() {
      // What is taken in may let the leader send more.
      for (let sent = -1; sent !== held.length; ) {
        postbox?.flush()
        sent = held.length
        if (world.delivery !== 'at once') return
        for (const message of held.splice(0)) arrive(message)
      }
    },
    lead(replica) {
      desk?.close()
      held = []
      confirmed = 0
      leaders += 1
      world.delivery = 'at once'
      postbox = createPostbox({
        deliver(_tab, parcel) {
          if (world.delivery === 'at once' || world.delivery === 'held') held.push(parcel)
        },
        foretell(_tab, foretelling) {
          if (world.delivery === 'foretold') arrive(foretelling)
          else if (world.delivery !== 'lost') held.push(foretelling)
        },
        ownTab: 'own',
        leader: String(leaders),
      })
      desk = createChangeDesk({ store: STORE, replica, subscriptions: createSubscriptions(), postbox })
      desk.adopt(TAB, {
        subscriptions: [...subscriptions.values()],
        liveQueries: [...queries.values()],
        seen,
        foretold: foretold.open,
      })
      for (const [batch, one] of open) run(batch, one)
    },
    get held() {
      return held.length
    },
  }
  return world
}
