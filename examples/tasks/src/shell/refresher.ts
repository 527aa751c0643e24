/**
 * Runs `run` at each request, one run at a time: requests that come during a run share the next one, however many they
 * are. So a flood of changes costs as many reads as can be shown, and what is shown last is always newest.
 */
export function createRefresher(run: () => Promise<unknown>, failed: (error: unknown) => void): () => void {
  let running = false
  let again = false
  const refresh = (): void => {
    if (running) {
      again = true
      return
    }
    running = true
    again = false
    run()
      .catch(failed)
      .finally(() => {
        running = false
        if (again) refresh()
      })
  }
  return refresh
}
