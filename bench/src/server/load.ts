import WebSocket from 'ws'

/**
 * The load on a store server, in a process of its own. Writers keep one op underway each; subscribers only listen.
 * Nothing is parsed here: what the generator does for a frame is the same, whoever sent it, and as little as possible.
 */
export interface LoadPlan {
  readonly url: string
  readonly token: string
  readonly store: string
  readonly writers: number
  readonly subscribers: number
  /** How long writers start new ops, in ms. */
  readonly duration: number
}

export interface LoadResult {
  readonly writes: number
  /** From the first op until every reply has arrived, and at every connection the event of every op. */
  readonly seconds: number
  readonly eventBytes: number
}

interface Client {
  readonly socket: WebSocket
  events: number
}

const VALUE = 'x'.repeat(100)

async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  let writes = 0
  let replies = 0
  let eventBytes = 0
  let finished = (): void => {}
  const done = new Promise<void>((resolve) => {
    finished = resolve
  })
  let stopAt = Number.POSITIVE_INFINITY
  let complete = 0

  const total = plan.writers + plan.subscribers
  const clients = await Promise.all(Array.from({ length: total }, (_, index) => connect(plan, index)))

  const countCompleted = (): void => {
    if (performance.now() < stopAt || replies < writes) return
    complete = clients.filter(({ events }) => events === writes).length
    if (complete === total) finished()
  }

  const write = (client: Client, index: number): void => {
    writes += 1
    const path = `bench/w${index}/${writes}`
    client.socket.send(
      `["1","${writes + 1}","store:${plan.store}","write",{"op":"set","path":"${path}",` +
        `"path_segments":["bench","w${index}","${writes}"],"value":"${VALUE}","client_op_id":"op-${index}-${writes}"}]`,
    )
  }

  clients.forEach((client, index) => {
    client.socket.on('message', (data: Buffer) => {
      if (data.includes('"phx_reply"')) {
        if (!data.includes('"ok"')) throw new Error(`An op was refused: ${data.toString()}`)
        replies += 1
        if (performance.now() < stopAt) write(client, index)
      } else {
        client.events += 1
        eventBytes = data.length
      }
      if (performance.now() >= stopAt) countCompleted()
    })
  })

  const start = performance.now()
  stopAt = start + plan.duration
  clients.slice(0, plan.writers).forEach(write)
  const timeout = setTimeout(() => {
    throw new Error(
      `After a minute ${complete} of ${total} connections had all events; ${replies} of ${writes} replies.`,
    )
  }, 60_000 + plan.duration)
  await done
  clearTimeout(timeout)
  const seconds = (performance.now() - start) / 1_000
  for (const { socket } of clients) socket.terminate()
  return { writes, seconds, eventBytes }
}

/** Resolves when the store is joined and its catch-up, of a store without entries, is over. */
function connect({ url, token, store }: LoadPlan, index: number): Promise<Client> {
  const query = new URLSearchParams({ token, device_id: `dev_bench_${index}`, capver: '3', vsn: '2.0.0' })
  const socket = new WebSocket(`${url}/websocket?${query}`, { perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => socket.send(`["1","1","store:${store}","phx_join",{"last_store_seq":0}]`))
    socket.on('message', function waitForCatchUp(data: Buffer) {
      if (!data.includes('"catch_up_complete"')) return
      socket.off('message', waitForCatchUp)
      resolve({ socket, events: 0 })
    })
  })
}

const plan = process.argv[2]
if (!plan) throw new Error('Usage: load.js <LoadPlan as JSON>')
// The runner passes a LoadPlan.
process.stdout.write(`${JSON.stringify(await runLoad(JSON.parse(plan) as LoadPlan))}\n`)
