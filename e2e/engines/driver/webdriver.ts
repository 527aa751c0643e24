/** One session of classic WebDriver (w3.org/TR/webdriver2): HTTP requests with JSON. */
export interface WebDriver {
  /** What the driver says about the browser. */
  readonly capabilities: Record<string, unknown>
  /** A command of the session, in a window if it needs one; gives the answer's value. @throws what was answered. */
  send(method: Method, command: string, body?: object, target?: Target): Promise<unknown>
}

type Method = 'GET' | 'POST' | 'DELETE'

interface Target {
  /** A window's handle. */
  readonly window: string
  /** The index of an iframe of its page; null, and by default, the page. */
  readonly frame?: number | null
}

export async function openSession(driverUrl: string, alwaysMatch: object): Promise<WebDriver> {
  const answer = await request('POST', `${driverUrl}/session`, { capabilities: { alwaysMatch } })
  // A new session is answered so (specification, §8.1).
  const { sessionId, capabilities } = answer as {
    sessionId: string
    capabilities: Record<string, unknown>
  }
  const session = `${driverUrl}/session/${sessionId}`
  let last: Promise<unknown> = Promise.resolve()
  return {
    capabilities,
    send(method, command, body, target) {
      // A command goes to the window that was chosen last, so that nothing may come between choice and command.
      const sent = last.then(async () => {
        if (target) {
          await request('POST', `${session}/window`, { handle: target.window })
          await request('POST', `${session}/frame`, { id: target.frame ?? null })
        }
        return request(method, `${session}${command}`, body)
      })
      last = sent.catch(() => undefined)
      return sent
    },
  }
}

async function request(method: Method, url: string, body: object = {}): Promise<unknown> {
  const response = await fetch(url, { method, ...(method === 'POST' && { body: JSON.stringify(body) }) })
  // Every answer of a driver, errors too, is a map with one value.
  const { value } = (await response.json()) as { value: unknown }
  if (response.ok) return value
  const { error, message } = value as { error: string; message: string }
  throw new Error(`${method} ${url}: ${error}: ${message}`)
}
