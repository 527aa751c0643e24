/**
 * A numbered case of the protocol's conformance list.
 * @typedef {object} ConformanceCase
 * @property {string} id
 * @property {string} part
 * @property {string} target S: our server, C: our client against any server, P: a pure library, X: with other clients
 * @property {string} given
 * @property {string} when
 * @property {string} outcome
 */

/**
 * @typedef {object} Coverage
 * @property {readonly ConformanceCase[]} cases
 * @property {ReadonlyMap<string, readonly string[]>} tests the files of the tests, by case id
 * @property {Readonly<Record<string, string>>} exceptions why a case has no test, by id
 */

/**
 * What is wrong with the coverage: cases with neither test nor reason, reasons that are out of date, unknown ids.
 * @param {Coverage} coverage
 * @returns {string[]}
 */
export function coverageFaults({ cases, tests, exceptions }) {
  const known = new Set(cases.map(({ id }) => id))
  const bare = cases.filter(({ id }) => !tests.has(id) && exceptions[id] === undefined)
  return [
    ...bare.map(
      ({ id, when, outcome }) => `${id} has neither a test nor a reason why not: ${when} → ${outcome}`,
    ),
    ...Object.keys(exceptions)
      .filter((id) => tests.has(id))
      .map((id) => `${id} has a test, so the reason why it has none is out of date.`),
    ...Object.keys(exceptions)
      .filter((id) => !known.has(id))
      .map((id) => `The exception ${id} names no case.`),
    ...[...tests]
      .filter(([id]) => !known.has(id))
      .map(([id, files]) => `${files[0]} names the case ${id}, which does not exist.`),
  ]
}

/**
 * The text of docs/conformance.md.
 * @param {Coverage} coverage
 * @returns {string}
 */
export function renderDocument({ cases, tests, exceptions }) {
  const covered = cases.filter(({ id }) => tests.has(id)).length
  const lines = [
    '# Conformance',
    '',
    'Every numbered case of the protocol, and the tests that name it in their titles. Written by',
    '`node scripts/conformance.js --write`; `pnpm check conformance` fails when it is out of date, or when a case',
    'has neither a test nor a reason.',
    '',
    `${covered} of ${cases.length} cases have a test; ${cases.length - covered} have a reason why not.`,
    '',
    'For: **S** our server, **C** our client against any server, **P** a pure library, **X** together with other',
    'clients or servers. `≠`: the reference does something else there.',
  ]
  let part = ''
  for (const one of cases) {
    if (one.part !== part) {
      part = one.part
      lines.push(
        '',
        `## ${one.id[0]}. ${part}`,
        '',
        '| case | for | what | covered by |',
        '| --- | --- | --- | --- |',
      )
    }
    lines.push(`| ${one.id} | ${one.target} | ${wording(one)} | ${coveredBy(one.id, tests, exceptions)} |`)
  }
  return `${lines.join('\n')}\n`
}

/** @param {ConformanceCase} one */
function wording({ given, when, outcome }) {
  return [given && `${given}:`, when && `${when} →`, outcome].filter(Boolean).join(' ')
}

/**
 * @param {string} id
 * @param {Coverage['tests']} tests
 * @param {Coverage['exceptions']} exceptions
 */
function coveredBy(id, tests, exceptions) {
  const files = tests.get(id) ?? []
  if (files.length > 0) return files.map((file) => `\`${file}\``).join(', ')
  return `no test: ${exceptions[id] ?? 'missing'}`
}
