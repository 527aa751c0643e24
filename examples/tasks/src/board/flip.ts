/**
 * Lets elements glide from where they were to where `change` puts them. People who asked their system for less motion
 * get the change alone.
 */
export function glide(elements: () => Iterable<HTMLElement>, change: () => void): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    change()
    return
  }
  const before = new Map([...elements()].map((element) => [element, element.getBoundingClientRect()]))
  change()
  for (const element of elements()) {
    const from = before.get(element)
    if (from === undefined) {
      element.animate(
        { opacity: [0, 1], transform: ['scale(0.97)', 'none'] },
        { duration: 160, easing: 'ease-out' },
      )
      continue
    }
    const to = element.getBoundingClientRect()
    const [x, y] = [from.left - to.left, from.top - to.top]
    if (x === 0 && y === 0) continue
    element.animate(
      { transform: [`translate(${x}px, ${y}px)`, 'none'] },
      { duration: 180, easing: 'cubic-bezier(.2,.7,.3,1)' },
    )
  }
}
