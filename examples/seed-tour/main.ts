import { createDust } from '@dustlayer/client'
import { tour } from './tour.js'

const steps = document.querySelector('#steps')
const outcome = document.querySelector('#outcome')

function show(step: string, result: unknown): void {
  const item = document.createElement('li')
  const value = document.createElement('pre')
  value.textContent = result === undefined ? 'undefined' : JSON.stringify(result, null, 2)
  item.dataset.step = step
  item.append(step, value)
  steps?.append(item)
}

function conclude(text: string): void {
  if (outcome) outcome.textContent = text
}

// A development server says here how to reach it.
const server: { url: string; token: string; store: string } = await (await fetch('/dust.json')).json()
const dust = createDust({ url: server.url, token: server.token })
try {
  await tour(dust, server.store, show)
  conclude('Done.')
} catch (error) {
  conclude(`Stopped: ${error}`)
} finally {
  await dust.close()
}
