import { registerSW } from 'virtual:pwa-register'
import type { ShowToast } from './toast.js'

/**
 * Registers the service worker that lets this page open without its server. A new version waits until the person agrees:
 * a reload by surprise could lose what they are typing.
 */
export function offerUpdates(toast: ShowToast): void {
  const activate = registerSW({
    onNeedRefresh() {
      toast({
        text: 'A new version of this page is ready.',
        action: { label: 'Reload', run: () => void activate(true) },
      })
    },
    onRegisterError(error) {
      toast({ text: `This page will not open offline: ${String(error)}`, tone: 'error' })
    },
  })
}
