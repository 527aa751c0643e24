/**
 * What a phase of e2e/chaos leaves (e2e/chaos/result.ts).
 * @typedef {object} PhaseResult
 * @property {string} id
 * @property {string} kind
 * @property {number} seed
 * @property {number} rounds
 * @property {number} seconds
 * @property {string} browser
 * @property {Readonly<Record<string, number>>} faults
 * @property {number} writers
 * @property {number} acknowledged
 * @property {number} committed
 * @property {number} logged
 * @property {readonly number[]} callsAtDeath
 * @property {readonly number[]} slowestAtDeath
 * @property {readonly number[]} slowestAtHang
 * @property {readonly string[]} violations
 */

/**
 * @typedef {object} Setting
 * @property {number} seed
 * @property {string} date
 * @property {string} machine
 * @property {string} node
 */

/**
 * docs/reliability.md: how the proof works, and its last result.
 * @param {readonly PhaseResult[]} results
 * @param {Setting} setting
 * @returns {string}
 */
export function reliabilityPage(results, { seed, date, machine, node }) {
  const violations = results.flatMap(({ id, violations }) => violations.map((text) => `- ${id}: ${text}`))
  return `${INTRODUCTION}
## Last result

\`pnpm chaos --seed ${seed}\`, ${date}: ${violations.length === 0 ? 'nothing lost, nothing doubled' : `${violations.length} violations`}.
Chromium ${results[0]?.browser ?? '?'}, Node ${node}, ${machine}.

| phase | seed | rounds | minutes | writers | acknowledged writes | ops in the log | violations |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${results.map(phaseRow).join('\n')}
| **all** | | ${total(results, 'rounds')} | ${minutes(total(results, 'seconds'))} | ${total(results, 'writers')} | ${total(results, 'acknowledged')} | ${total(results, 'logged')} | ${violations.length} |

| fault | times |
| --- | ---: |
${[...faultCounts(results)].map(([fault, times]) => `| ${fault} | ${times} |`).join('\n')}

How long calls took, in ms, of all tabs that were still there:

| calls | count | p50 | p95 | slowest |
| --- | ---: | ---: | ---: | ---: |
${timesRow(
  'open or made while a leader died',
  results.flatMap(({ callsAtDeath }) => callsAtDeath),
)}
${timesRow(
  'of these, the slowest of each death',
  results.flatMap(({ slowestAtDeath }) => slowestAtDeath),
)}
${timesRow(
  'the slowest while a leader hung or was frozen',
  results.flatMap(({ slowestAtHang }) => slowestAtHang),
)}
${violations.length === 0 ? '' : `\n${violations.join('\n')}\n`}`
}

const INTRODUCTION = `# Reliability

Real Chromium on a persistent profile, the real server in a process of its own, and a network between them that can be
cut. Several tabs write at the same time; faults strike them at moments that a seed decides. \`pnpm chaos\` writes this
page; the tests run a short version of the same (\`e2e/chaos\`).

**Writers.** Each tab has one. It issues calls without waiting for those before, a few dozen a second: puts with unique
numbers (the ledger), increments (the counters), batches of an entry and an increment, members of a set, one value that
it keeps overwriting, and reads. Every promise that resolves is told to the suite at once, outside the browser.

**Faults.** The leading tab is closed, navigated away, reloaded, crashed (\`Page.crash\`); its worker ends, or hangs for
seconds; it is frozen and thawed. Any page's process gets SIGKILL. All processes of the browser get SIGKILL, in half of
the cases cut off from the server since before, so that what is found afterwards can only have come from disk. The
server gets SIGKILL and starts again. Connections are cut, refused, or go silent. In the mixes, several at once.

**What has to hold.**

- Every promise settles, none rejects. A tab reads what it has written.
- After each SIGKILL of the browser, everything whose promise had resolved is there, on OPFS, and \`doctor()\` finds nothing
  (\`pragma integrity_check\`, rows, outbox, what is shown).
- At the end of a phase the server's log, read by a client that speaks the bare protocol, has of each writer exactly its
  writes from the first to some last one: each once, in their order, batches in one piece, under the op ids and at the
  places that were promised. The last is not before any acknowledged one; of tabs that lived to the end, it is the last.
- Totals, sets and entries in every tab, and in a browser that has never been there, are what that log makes.
- Each tab's \`on\` was told of each entry once, in order, without a gap.
`

/** @param {PhaseResult} result */
function phaseRow({ id, seed, rounds, seconds, writers, acknowledged, logged, violations }) {
  return `| ${id} | ${seed} | ${rounds} | ${minutes(seconds)} | ${writers} | ${acknowledged} | ${logged} | ${violations.length} |`
}

/** @param {number} seconds */
const minutes = (seconds) => (seconds / 60).toFixed(1)

/**
 * @param {readonly PhaseResult[]} results
 * @param {'rounds' | 'seconds' | 'writers' | 'acknowledged' | 'logged'} name
 */
const total = (results, name) => results.reduce((sum, result) => sum + result[name], 0)

/**
 * @param {readonly PhaseResult[]} results
 * @returns {Map<string, number>}
 */
function faultCounts(results) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const { faults } of results) {
    for (const [fault, times] of Object.entries(faults)) counts.set(fault, (counts.get(fault) ?? 0) + times)
  }
  return new Map([...counts].sort(([one], [other]) => one.localeCompare(other)))
}

/**
 * @param {string} title
 * @param {readonly number[]} times
 */
function timesRow(title, times) {
  const sorted = [...times].sort((one, other) => one - other)
  /** @param {number} share */
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? '–'
  return `| ${title} | ${sorted.length} | ${at(0.5)} | ${at(0.95)} | ${at(1)} |`
}
