import { createDust } from '@dustlayer/client'

const { url = '', token = '', store = '' } = Object.fromEntries(new URLSearchParams(location.search))
const visits = createDust({ url, token }).store(store)

const visit = await visits.increment('visits')
await visit.committed
const { storage } = await visits.status()
const output = document.querySelector('output')
if (output) output.textContent = `${await visits.get('visits')} in ${storage.kind}`
