/** `/api/live`: what happens, to everybody who watches. Nothing is gathered while nobody does. */
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import { type Clock, every, type Metrics } from '@millrace/platform'
import type { FastifyReply } from 'fastify'
import { securityHeaders } from './access.ts'
import type { WebConfig } from './config.ts'
import type { FleetView } from './fleet-view.ts'
import { createLiveValues } from './live-values.ts'
import { createViewer, type Frames, type Viewer, type Wishes } from './viewer.ts'
import type { HelloEvent, LedgerView, StatusEvent, ValuesEvent } from './wire.ts'

export interface Live {
  /** After the fleet view saw the records. */
  onTimeline(records: TimelineRecord[]): void
  onAlarms(changes: AlarmRecord[]): void
  attach(reply: FastifyReply, wishes: Wishes): void
  viewers(): number
  close(): void
}

export interface LiveSources {
  config: WebConfig
  clock: Clock
  metrics: Metrics
  fleet: FleetView
  hello(): HelloEvent
  status(): StatusEvent
  ledger(): Promise<LedgerView | undefined>
}

const samplesPerFlushMax = 100_000
const devicesPerLedgerSecond = 200

export function createLive({ config, clock, metrics, fleet, hello, status, ledger }: LiveSources): Live {
  const viewers = new Set<Viewer>()
  const values = createLiveValues(fleet, samplesPerFlushMax)
  const skipped = metrics.counter('millrace_web_skipped_total', 'Times a slow live connection was not sent something')
  metrics.gauge('millrace_web_viewers', 'Live connections', () => viewers.size)

  const send = (frames: Frames[]) => {
    if (frames.length > 0) for (const viewer of viewers) viewer.send(frames)
  }
  const sendState = (devices: Iterable<string>) => {
    send([...devices].map((name) => ({ text: event('state', fleet.device(name)) })))
  }

  let refreshing = false
  let ledgerSeconds = 0
  const sendLedger = async () => {
    if (refreshing) return
    refreshing = true
    const view = await ledger()
    if (view) send([{ text: event('ledger', { ...view, rows: [] }) }])
    // Many devices make a long event: it goes out less often.
    ledgerSeconds = Math.ceil((view?.devices.length ?? 0) / devicesPerLedgerSecond)
    refreshing = false
  }

  const stopFlush = every(clock, config.flushMs, () => {
    if (viewers.size > 0) send(values.takeValues().map(valuesFrame))
  })
  const stopSecond = every(clock, 1000, () => {
    const changed = fleet.changed()
    if (viewers.size === 0) return
    sendState(changed)
    send(values.takeLate().map((late) => ({ device: late.device, text: event('late', late) })))
    send([{ text: event('status', status()) }])
    for (const viewer of viewers) viewer.tend()
    if (--ledgerSeconds <= 0) void sendLedger()
  })

  return {
    onTimeline(records) {
      if (viewers.size === 0) return
      const changed = new Set<string>()
      for (const record of records) {
        if (record.k === 'readings') values.add(record)
        else if (record.k === 'gap') {
          const { device, channel, reason, fromMs, toMs, lost } = record
          send([{ text: event('gap', { device, channel, reason, fromMs, toMs, lost }) }])
          changed.add(device)
        } else if (record.k === 'declaration') changed.add(record.device)
        else if (record.k === 'birth' || record.k === 'death') for (const name of fleet.changed()) changed.add(name)
      }
      if (changed.size === 0) return
      // Values of before the change go first: a declaration says how those after it are scaled.
      send(values.takeValues().map(valuesFrame))
      sendState(changed)
    },
    onAlarms(changes) {
      send(changes.map((alarm) => ({ text: event('alarm', alarm) })))
    },
    attach(reply, wishes) {
      reply.hijack()
      const { raw } = reply
      raw.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      const greet = () => event('hello', hello())
      const viewer = createViewer(
        raw,
        wishes,
        config,
        () => clock.monotonic(),
        greet,
        (what) => skipped.add({ what }),
      )
      viewers.add(viewer)
      raw.on('close', () => viewers.delete(viewer))
      raw.on('error', () => viewers.delete(viewer))
      void sendLedger()
    },
    viewers: () => viewers.size,
    close() {
      stopFlush()
      stopSecond()
      for (const viewer of viewers) viewer.end()
    },
  }
}

function valuesFrame(values: ValuesEvent): Frames {
  const text = event('values', values)
  if (Object.keys(values.waves).length === 0) return { device: values.device, text }
  return { device: values.device, text, withoutWaves: event('values', { ...values, waves: {} }) }
}

/** JSON has no line breaks of its own, so one `data:` line holds it. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
