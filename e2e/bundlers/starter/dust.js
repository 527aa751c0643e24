import { createDust } from '@dustlayer/client'

export const openDust = (url, token) => createDust({ url, token })
