/** About how many bytes a plain value takes when it is stored. Stops counting beyond `limit`. */
export function roughSize(value: unknown, limit: number): number {
  let bytes = 0
  const open: unknown[] = [value]
  while (open.length > 0 && bytes <= limit) {
    const next = open.pop()
    if (typeof next === 'string') bytes += next.length + 4
    else if (typeof next !== 'object' || next === null) bytes += 8
    else {
      bytes += 8
      for (const [name, inner] of Object.entries(next)) {
        bytes += name.length
        open.push(inner)
      }
    }
  }
  return bytes
}
