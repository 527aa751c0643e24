/** Whether the person wants to work offline: one choice for all tabs of this browser, kept until it is changed. */
export interface OfflineSwitch {
  set(off: boolean): void
}

const KEY = 'dust-tasks:offline'

/** `apply` is called whenever the choice changes here or in another tab, and now if it is to be offline. */
export function createOfflineSwitch(apply: (off: boolean) => void): OfflineSwitch {
  addEventListener('storage', ({ key, newValue }) => {
    if (key === KEY) apply(newValue === 'yes')
  })
  if (localStorage.getItem(KEY) === 'yes') apply(true)
  return {
    set(off) {
      localStorage.setItem(KEY, off ? 'yes' : 'no')
      apply(off)
    },
  }
}
