import { h } from '../shell/dom.js'

const HUES: Readonly<Record<string, number>> = {
  Africa: 38,
  Americas: 355,
  Antarctic: 200,
  Asia: 150,
  Europe: 222,
  Oceania: 285,
}

/** A country's code on the colour of its region. Flags would need a font that many systems do not have. */
export function codeBadge(code: string, region: string): HTMLElement {
  const badge = h('span', { class: 'code-badge' }, code)
  badge.style.setProperty('--region-hue', String(HUES[region] ?? 0))
  return badge
}
