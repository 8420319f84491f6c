/**
 * What the store knows of the whole fleet: whether the ledger closes, and who has fallen silent. The store is asked every
 * `everyMs`; in between the last answer is used. Its age is a metric too, so that an old answer can be recognised.
 */
import { type Clock, every, type Log, type Metrics, ownValue } from '@millrace/platform'
import type { LedgerRow, StoredDevice, StoreReader, StoreTotal } from '../stores/store.ts'

interface Options {
  store: Pick<StoreReader, 'devices' | 'ledger' | 'totals'>
  clock: Clock
  logger: Log
  metrics: Metrics
  everyMs?: number
}

interface Picture {
  atMs: number
  difference: number
  unbalanced: number
  nodes: number
  silent: number
}

/** A node of which nothing came for so long is silent. Exported for its test. */
export const silentAfterMs = 5 * 60_000
/** A device without data for this long is out of service and no longer counted. Exported for its test. */
export const goneAfterMs = 7 * 86_400_000

/** Returns the function that ends it. */
export function watchFleet({ store, clock, logger, metrics, everyMs = 15_000 }: Options): () => void {
  let picture: Picture | undefined
  let isLooking = false
  let isStopped = false
  const failures = metrics.counter('millrace_fleet_failures_total', 'Times the store could not say how the fleet is doing')
  const gauge = (name: string, help: string, of: (picture: Picture) => number) =>
    metrics.gauge(name, help, () => (picture ? of(picture) : Number.NaN))
  gauge(
    'millrace_ledger_difference',
    'Readings and samples by which devices are off balance, either way, summed',
    (p) => p.difference,
  )
  gauge('millrace_ledger_unbalanced', 'Devices and streams whose ledger does not close', (p) => p.unbalanced)
  gauge('millrace_nodes', 'Edge nodes and plain devices heard of in the last seven days', (p) => p.nodes)
  gauge('millrace_nodes_silent', 'Of these, silent for five minutes or more', (p) => p.silent)
  gauge('millrace_fleet_age_seconds', 'Since the store was last asked with success', (p) => (clock.monotonic() - p.atMs) / 1000)

  async function look(): Promise<void> {
    if (isLooking || isStopped) return
    isLooking = true
    try {
      const [devices, rows, totals] = await Promise.all([store.devices(), store.ledger(), store.totals()])
      picture = { atMs: clock.monotonic(), ...balanceOf(rows), ...silenceOf(devices, totals, clock.now()) }
    } catch (error) {
      failures.add()
      if (!isStopped) logger.warn('the store does not say how the fleet is doing', { error })
    } finally {
      isLooking = false
    }
  }

  void look()
  const cancel = every(clock, everyMs, () => void look())
  return () => {
    isStopped = true
    cancel()
  }
}

/** One off by +1 and another off by -1 are two faults, not none. */
function balanceOf(rows: LedgerRow[]): Pick<Picture, 'difference' | 'unbalanced'> {
  const sizes = rows.map(({ difference: [readings, samples] }) => Math.abs(readings) + Math.abs(samples))
  return { difference: sizes.reduce((sum, size) => sum + size, 0), unbalanced: sizes.filter((size) => size > 0).length }
}

function silenceOf(
  devices: Pick<StoredDevice, 'device' | 'node' | 'channels'>[],
  totals: Record<string, StoreTotal>,
  nowMs: number,
): Pick<Picture, 'nodes' | 'silent'> {
  const newest = new Map<string, number>()
  for (const { device, node, channels } of devices) {
    // Nobody waits for what is imported.
    if (channels.length > 0 && channels.every(({ historical }) => historical)) continue
    const name = node || device
    newest.set(name, Math.max(newest.get(name) ?? 0, ownValue(totals, device)?.lastMs ?? 0))
  }
  const ages = [...newest.values()].map((lastMs) => nowMs - lastMs).filter((age) => age < goneAfterMs)
  return { nodes: ages.length, silent: ages.filter((age) => age >= silentAfterMs).length }
}
