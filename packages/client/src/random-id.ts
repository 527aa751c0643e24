/** 96 random bits as 16 URL-safe characters, after a prefix. Works outside secure contexts, unlike `randomUUID`. */
export function randomId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return (
    prefix +
    btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
  )
}
