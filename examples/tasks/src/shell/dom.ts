type Listener = (event: never) => void
type Attributes = Readonly<Record<string, string | number | boolean | Listener | undefined>>
type Child = Node | string | undefined | false

/**
 * Creates an element: `h('button', { class: 'primary', onclick: add }, 'Add')`. Text becomes text nodes, never HTML, so
 * whatever users type stays text. `true` sets an empty attribute; `false` and `undefined` leave it out.
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    // `Listener` takes whatever event its name brings; addEventListener cannot express that.
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== undefined && child !== false))
  return element
}

/** Sets text only when it differs, so that screen readers and selections are left alone otherwise. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/**
 * Makes `wanted` the children of `parent`, in order. The child that has the focus is never moved: moving an element blurs
 * it, and a half-typed title would be lost because somebody else reordered the list.
 */
export function placeChildren(parent: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted)
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove()
  const still = wanted.findIndex(
    (child) => child.parentNode === parent && child.contains(document.activeElement),
  )
  const anchor = wanted[still]
  for (let i = 0; i < still; i++)
    insertBefore(parent, wanted[i], i === 0 ? parent.firstElementChild : wanted[i - 1]?.nextElementSibling)
  let previous: Element | undefined = anchor
  for (const child of wanted.slice(still + 1)) {
    insertBefore(
      parent,
      child,
      previous === undefined ? parent.firstElementChild : previous.nextElementSibling,
    )
    previous = child
  }
}

function insertBefore(parent: Element, child: Element | undefined, before: Element | null | undefined): void {
  if (child !== undefined && child !== before) parent.insertBefore(child, before ?? null)
}
