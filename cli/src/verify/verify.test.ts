import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredGap } from '@millrace/cloud-processor/stores'
import type { LedgerView } from '@millrace/cloud-processor/web'
import type { Channel, Tally } from '@millrace/contract'
import { afterAll, describe, expect, test } from 'vitest'
import type { Api } from '../api.ts'
import { printVerdict } from './print.ts'
import { verify, verifyDefaults } from './verify.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-verify-'))
afterAll(() => rmSync(dir, { recursive: true }))

const options = { ...verifyDefaults, waitMs: 50 }
const running = { ...options, slackMs: 200, settleMs: 1500 }
const startMs = 1_764_000_000_000
const count = 2000
const channel: Channel = { name: 'pulse', kind: 'number', datatype: 'Int32', unit: '1' }
const times = Array.from({ length: count }, (_, k) => startMs + 1000 + k * 10)
/** Neighbours differ, and no stretch is like another. */
const values = times.map((_, k) => (k * k * 31) % 10_007)
/** Over the 200 readings from the 500th on. */
const gap: StoredGap = { device: 'bed-1', channel: '*', reason: 'link-down', fromMs: times[500]!, toMs: times[699]! }

interface Case {
  /** Places of what the store does not give out. */
  missing: [from: number, to: number][]
  /** What the ledger says of the device; `stored` is the rest of `read`, and `above` is not in its latest cut yet. */
  ledger: Partial<Record<'read' | 'filtered' | 'rejected' | 'evicted' | 'collapsed' | 'expired' | 'difference' | 'above', number>>
  gaps?: StoredGap[]
}

function manifest(isRunning = false): string {
  const path = join(dir, 'manifest.jsonl')
  const devices = [{ device: 'bed-1', kind: 'contec-cms50', config: {}, channels: [channel] }]
  const lines = [
    { f: 1, k: 'manifest', scenario: 'test', seed: 1, startedMs: startMs, devices },
    { k: 'produced', device: 'bed-1', channel: 'pulse', t: times, v: values },
    { k: 'end', totals: { 'bed-1': { readings: count, samples: 0, frames: count, bad: 0 } } },
  ]
  writeFileSync(path, '')
  if (isRunning) lines.pop()
  for (const line of lines) appendFileSync(path, `${JSON.stringify(line)}\n`)
  return path
}

function viewOf({ above = 0, ...given }: Case['ledger']): LedgerView {
  const tally = (n: number): Tally => [n, 0]
  const none = { filtered: 0, rejected: 0, evicted: 0, collapsed: 0, expired: 0, difference: 0 }
  const terms = { read: count - above, ...none, ...given }
  const { read, filtered, rejected, evicted, collapsed, expired, difference } = terms
  const stored = read - filtered - rejected - evicted - collapsed - expired - difference
  const tallies = Object.entries({ ...terms, stored, ahead: 0 }).map(([name, n]) => [name, tally(n)])
  const sum = { ...Object.fromEntries(tallies), balanced: difference === 0 } as LedgerView['total']
  const counted = { stored: tally(stored + above), collapsed: tally(collapsed), expired: tally(expired), firstMs: 0, lastMs: 0 }
  return {
    atMs: startMs,
    total: sum,
    devices: [{ ...sum, device: 'bed-1', node: 'n', streams: 1 }],
    derived: sum,
    rows: [],
    stored: { 'bed-1': counted },
    balanced: sum.balanced,
    inFlight: { outboxRows: 0, logRecords: 0 },
  }
}

/** A processor that answers with this. */
function apiOf({ missing, ledger, gaps = [gap] }: Case): Api {
  const isThere = (k: number) => !missing.some(([from, to]) => k >= from && k < to)
  const points = times.map((t, k) => ({ t, v: values[k]! })).filter((_, k) => isThere(k))
  return {
    fleet: async () => [{ device: 'bed-1', node: 'n', state: 'online', channels: [channel] }],
    ledger: async () => viewOf(ledger),
    gaps: async () => gaps,
    exportPoints: async (_device, _channel, fromMs, toMs) => points.filter(({ t }) => t >= fromMs && t <= toMs),
  } as Partial<Api> as Api
}

const run = (one: Case) => verify(apiOf(one), [manifest()], options)

/** What is left out as a filter would: every tenth, outside of gaps too. */
const thinned: Case['missing'] = Array.from({ length: 200 }, (_, k) => [k * 10 + 1, k * 10 + 2])
const counting: StoredGap = { ...gap, reason: 'evicted', lost: [97, 0] }

describe('verify', () => {
  test('takes for unread what no agent read, under a gap', async () => {
    const verdict = await run({ missing: [[500, 600]], ledger: { read: 1900 } })
    expect(verdict).toMatchObject({ isWhole: true, total: { produced: 2000, read: 1900, stored: 1900, lost: 0, unread: 100 } })
  })

  test('calls lost what was never read, outside of gaps', async () => {
    const verdict = await run({ missing: [[900, 1000]], ledger: { read: 1900 } })
    expect(verdict).toMatchObject({ isWhole: false, total: { lost: 100, unread: 0 } })
  })

  test('calls lost all that was produced when nothing was ever read', async () => {
    const verdict = await run({ missing: [[0, count]], ledger: { read: 0 }, gaps: [] })
    expect(verdict).toMatchObject({ isWhole: false, total: { lost: count, unread: 0 } })
  })

  test('calls lost what was committed and is not given out, though a gap lies over it', async () => {
    const verdict = await run({ missing: [[500, 597]], ledger: {} })
    expect(verdict).toMatchObject({ isWhole: false, total: { lost: 97, unread: 0 } })
    expect(printVerdict(verdict)).toContain('97 readings that the store counts as stored are not given out by it')
  })

  test('tells a committed loss from what was unread under the same gap', async () => {
    const verdict = await run({ missing: [[500, 600]], ledger: { read: 1903 } })
    expect(verdict).toMatchObject({ isWhole: false, total: { lost: 3, unread: 97 } })
  })

  test('tells them apart where the loss goes on after the gap, and counts nothing as doubled', async () => {
    const one = apiOf({ missing: [[500, 760]], ledger: { read: 1940 } })
    const verdict = await verify(one, [manifest()], { ...options, slackMs: 200 })
    expect(verdict).toMatchObject({ isWhole: false, total: { lost: 200, unread: 60, extra: 0 } })
  })

  test('calls collapsed readings a loss, though a gap lies over them and the ledger closes', async () => {
    const verdict = await run({ missing: [[500, 597]], ledger: { collapsed: 97 } })
    expect(verdict).toMatchObject({ isWhole: false, ledgerCloses: true, total: { collapsed: 97, lost: 0, unread: 0 } })
    expect(printVerdict(verdict)).toContain('97 readings collapsed')
  })

  test('calls lost what the ledger itself cannot account for', async () => {
    const verdict = await run({ missing: [[500, 597]], ledger: { difference: 97 } })
    expect(verdict).toMatchObject({ isWhole: false, ledgerCloses: false, total: { lost: 97 } })
  })

  test('accepts what was evicted and a gap counts, and no eviction that none counts', async () => {
    const evicted: Case = { missing: [[500, 597]], ledger: { evicted: 97 } }
    expect(await run({ ...evicted, gaps: [counting] })).toMatchObject({ isWhole: true, total: { evicted: 97, lost: 0 } })
    expect(await run(evicted)).toMatchObject({ isWhole: false, total: { evicted: 0, lost: 97 } })
  })

  test.each(['filtered', 'rejected', 'expired'] as const)('accepts what was %s, to the number', async (term) => {
    expect(await run({ missing: thinned, ledger: { [term]: 200 } })).toMatchObject({
      isWhole: true,
      total: { [term]: 200, lost: 0 },
    })
    // In the first 1.5 s the agent may not have had the port open; the rest of what the ledger does not name has no excuse.
    const less = await run({ missing: thinned, ledger: { read: 1820, [term]: 20 }, gaps: [] })
    expect(less).toMatchObject({ isWhole: false, total: { lost: 29 } })
    const more = await run({ missing: [...thinned, [500, 501]], ledger: { [term]: 200 } })
    expect(more).toMatchObject({ isWhole: false, total: { lost: 1, unread: 0 } })
  })

  test('says that it cannot tell while the ledger has no cut past what is stored', async () => {
    const verdict = await run({ missing: [], ledger: { above: 12 } })
    expect(verdict.isWhole).toBe(false)
    expect(printVerdict(verdict)).toContain('the latest cut of the ledger is 12 readings and samples behind the store')
  })

  test('says that it cannot tell while readings are stored at every try', async () => {
    const api = apiOf({ missing: [], ledger: {} })
    let more = 0
    const growing = async () => {
      const view = viewOf({})
      view.stored['bed-1']!.stored = [count + ++more, 0]
      return view
    }
    const verdict = await verify({ ...api, ledger: growing }, [manifest()], options)
    expect(verdict.isWhole).toBe(false)
    expect(printVerdict(verdict)).toContain('readings were stored all the while')
  })

  test('leaves out what is stored of other times', async () => {
    const api = apiOf({ missing: [], ledger: { read: 2500 } })
    const earlier = Array.from({ length: 500 }, (_, k) => ({ t: startMs - 100_000 + k, v: k }))
    const exportPoints: Api['exportPoints'] = async (device, name, fromMs, toMs) => [
      ...earlier.filter(({ t }) => t >= fromMs),
      ...(await api.exportPoints(device, name, fromMs, toMs)),
    ]
    const verdict = await verify({ ...api, exportPoints }, [manifest()], options)
    expect(verdict).toMatchObject({ isWhole: true, total: { produced: count, read: count, stored: count } })
  })

  test('compares a running simulator up to what is stored last, to the number', async () => {
    const verdict = await verify(
      apiOf({
        missing: [
          [500, 600],
          [1900, count],
        ],
        ledger: { read: 1800 },
      }),
      [manifest(true)],
      running,
    )
    expect(verdict).toMatchObject({ isWhole: true, total: { produced: 1869, stored: 1769, unread: 100, lost: 0 } })
    const lossy = await verify(
      apiOf({
        missing: [
          [500, 600],
          [1900, count],
        ],
        ledger: { read: 1801 },
      }),
      [manifest(true)],
      running,
    )
    expect(lossy).toMatchObject({ isWhole: false, total: { unread: 99, lost: 1 } })
  })
})
