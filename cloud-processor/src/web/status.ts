/** Gathers the figures that the page's pipeline view shows. */
import { type BirthRecord, countReadings, deathReasons, type TimelineRecord } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { Log } from '../log/log.ts'
import type { Progress } from '../stage/index.ts'
import type { NodeStatus, PipelineStatus } from './wire.ts'

const rateWindowMs = 2000
const noBridge: BridgeFigures = {
  ...{ connected: false, received: 0, heldHistorical: 0, creditBytes: 0 },
  ...{ isBehind: false, backlogBytes: 0, backlogBytesPerSecondMin: 0 },
}

/** What the bridge says of itself. */
interface BridgeFigures {
  connected: boolean
  received: number
  heldHistorical: number
  creditBytes: number
  isBehind: boolean
  backlogBytes: number
  backlogBytesPerSecondMin: number
}

export function createStatus({ log, clock, logBytes }: { log: Log; clock: Clock; logBytes(): number }) {
  const nodes = new Map<string, NodeStatus>()
  let window = { atMs: clock.monotonic(), readings: 0, received: 0, backlogBytes: 0 }
  let rates = { readingsPerS: 0, receivedPerS: 0, backlogBytesPerS: 0 }
  let latencyMs: number | undefined

  return {
    see(records: TimelineRecord[]): void {
      for (const record of records) {
        if (record.k === 'readings') {
          window.readings += countReadings(record)
          if (!record.hist) latencyMs = clock.now() - newestOf(record.channels, record.receivedMs)
        } else if (record.k === 'node') {
          nodes.set(record.node, {
            node: record.node,
            online: true,
            backlogRows: record.backlog.rows,
            backlogBytes: record.backlog.bytes,
          })
        } else if (record.k === 'birth' || (record.k === 'death' && isOfNode(record))) {
          nodes.set(record.node, { ...nodes.get(record.node), node: record.node, online: record.k === 'birth' })
        }
      }
    },

    /** `bridge`: absent where this process has none. */
    view(stages: Progress[], bridge: BridgeFigures = noBridge): PipelineStatus {
      const passedMs = clock.monotonic() - window.atMs
      if (passedMs >= rateWindowMs) {
        const perSecond = 1000 / passedMs
        rates = {
          readingsPerS: window.readings * perSecond,
          receivedPerS: (bridge.received - window.received) * perSecond,
          backlogBytesPerS: (bridge.backlogBytes - window.backlogBytes) * perSecond,
        }
        window = { atMs: clock.monotonic(), readings: 0, received: bridge.received, backlogBytes: bridge.backlogBytes }
      }
      return {
        stages: stages.map(stageStatus),
        bridge: {
          connected: bridge.connected,
          receivedPerS: rates.receivedPerS,
          heldHistorical: bridge.heldHistorical,
          credit: bridge.creditBytes,
          isBehind: bridge.isBehind,
          backlogBytesPerS: rates.backlogBytesPerS,
          backlogBytesPerSMin: bridge.backlogBytesPerSecondMin,
        },
        nodes: [...nodes.values()],
        log: { id: log.id, bytes: logBytes() },
        readingsPerS: rates.readingsPerS,
        ...(latencyMs === undefined ? {} : { latencyMs }),
      }
    },
  }
}

function isOfNode({ device, reason }: BirthRecord): boolean {
  return device === '' || reason === deathReasons.node
}

function newestOf(channels: Record<string, { t: number[] }>, otherwise: number): number {
  let newest = 0
  for (const { t } of Object.values(channels)) newest = Math.max(newest, t.at(-1) ?? 0)
  return newest || otherwise
}

function stageStatus({ name, next, end, lagMs, received, sent }: Progress): PipelineStatus['stages'][number] {
  return { name, lagRecords: Math.max(0, end - next), lagMs, received, sent }
}
