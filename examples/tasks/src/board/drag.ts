export interface DropTarget {
  readonly list: string
  /** Place among the list's other tasks. */
  readonly index: number
}

export interface DragOptions {
  /** Contains everything that can be dragged, and scrolls sideways. */
  readonly board: HTMLElement
  drop(task: string, target: DropTarget): void
  /** Called when a drag begins and ends, so that the board can hold still in between. */
  dragging(active: boolean): void
}

const START_DISTANCE = 6
const SCROLL_EDGE = 56
const SCROLL_STEP = 14

/**
 * Drag and drop by pointer events: the same for mouse, pen and touch. A mouse can take a card anywhere; a finger takes it by
 * its grip, since elsewhere it scrolls. Escape gives up.
 */
export function enableDragging({ board, drop, dragging }: DragOptions): void {
  board.addEventListener('pointerdown', (down) => {
    const card = dragged(down)
    if (card === undefined) return
    const gap = document.createElement('li')
    gap.className = 'drop-gap'
    let ghost: HTMLElement | undefined
    let target: DropTarget | undefined
    let frame = 0
    let last = { x: down.clientX, y: down.clientY }
    const box = card.getBoundingClientRect()

    const lift = (): void => {
      ghost = card.cloneNode(true) as HTMLElement // a clone of an element is one
      ghost.classList.add('drag-ghost')
      ghost.setAttribute('aria-hidden', 'true')
      ghost.style.width = `${box.width}px`
      gap.style.height = `${box.height}px`
      document.body.append(ghost)
      card.classList.add('is-dragged')
      document.documentElement.classList.add('is-dragging')
      dragging(true)
      frame = requestAnimationFrame(follow)
    }
    const follow = (): void => {
      if (ghost === undefined) return
      ghost.style.transform = `translate(${box.left + last.x - down.clientX}px, ${box.top + last.y - down.clientY}px) rotate(1.5deg)`
      scrollAtEdge(board, last)
      target = showGap(gap, card, last) ?? target
      frame = requestAnimationFrame(follow)
    }
    const move = (event: PointerEvent): void => {
      if (event.pointerId !== down.pointerId) return
      last = { x: event.clientX, y: event.clientY }
      if (ghost === undefined && Math.hypot(last.x - down.clientX, last.y - down.clientY) >= START_DISTANCE)
        lift()
    }
    const end = (keep: boolean): void => {
      listening.abort()
      cancelAnimationFrame(frame)
      if (ghost === undefined) return
      ghost.remove()
      gap.remove()
      card.classList.remove('is-dragged')
      document.documentElement.classList.remove('is-dragging')
      swallowClick()
      dragging(false)
      if (keep && target && card.dataset.task) drop(card.dataset.task, target)
    }
    const listening = new AbortController()
    const options = { signal: listening.signal }
    addEventListener('pointermove', move, options)
    addEventListener('pointerup', (event) => event.pointerId === down.pointerId && end(true), options)
    addEventListener('pointercancel', (event) => event.pointerId === down.pointerId && end(false), options)
    addEventListener('keydown', (event) => event.key === 'Escape' && end(false), options)
  })
}

function dragged({ target, button, pointerType }: PointerEvent): HTMLElement | undefined {
  if (button !== 0 || !(target instanceof Element)) return undefined
  const byGrip = target.closest('.task-grip') !== null
  const onControl = target.closest('input, textarea, .icon-button') !== null
  if (!byGrip && (pointerType !== 'mouse' || onControl)) return undefined
  return target.closest<HTMLElement>('[data-task]') ?? undefined
}

/** Opens the gap where the card would go. */
function showGap(gap: HTMLElement, card: HTMLElement, at: { x: number; y: number }): DropTarget | undefined {
  const column = document.elementsFromPoint(at.x, at.y).find((element) => element.matches('[data-column]'))
  const list = column?.querySelector<HTMLElement>('[data-list]')
  if (!list?.dataset.list || (column?.classList.contains('is-stray') && !list.contains(card)))
    return undefined
  const others = [...list.children].filter((child) => child !== card && child !== gap)
  const found = others.findIndex((child) => {
    const { top, height } = child.getBoundingClientRect()
    return at.y < top + height / 2
  })
  const index = found === -1 ? others.length : found
  const before = others[index] ?? null
  if (gap.parentNode !== list || gap.nextElementSibling !== before) list.insertBefore(gap, before)
  return { list: list.dataset.list, index }
}

function scrollAtEdge(board: HTMLElement, { x, y }: { x: number; y: number }): void {
  const { left, right } = board.getBoundingClientRect()
  if (x < left + SCROLL_EDGE) board.scrollBy(-SCROLL_STEP, 0)
  else if (x > right - SCROLL_EDGE) board.scrollBy(SCROLL_STEP, 0)
  if (y < SCROLL_EDGE) scrollBy(0, -SCROLL_STEP)
  else if (y > innerHeight - SCROLL_EDGE) scrollBy(0, SCROLL_STEP)
}

/** The click that follows a drop is part of the drag: it must not open a title for editing. */
function swallowClick(): void {
  const swallow = (event: Event): void => {
    event.preventDefault()
    event.stopPropagation()
  }
  addEventListener('click', swallow, { capture: true, once: true })
  setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0)
}
