/**
 * The live link: one EventSource. A status event comes every second, so silence means that the link is lost, whatever the
 * socket believes. In a large fleet waveforms come only for the device that is looked at.
 */
import type {
  DeviceView,
  GapEvent,
  HelloEvent,
  LateEvent,
  LedgerView,
  LeftEvent,
  StatusEvent,
  ValuesEvent,
} from '@millrace/cloud-processor/web'
import type { AlarmRecord } from '@millrace/contract'
import { computed, effect, signal } from '@preact/signals'
import { inAddress } from '../address.ts'
import { route } from '../route.ts'
import { askWhoIAm, me } from './me.ts'
import {
  applyAlarm,
  applyGap,
  applyHello,
  applyLate,
  applyLeft,
  applyState,
  applyValues,
  deviceNames,
  ledger,
  leftOut,
  pipeline,
} from './model.ts'
import { setServerTime } from './time.ts'

export type LinkState = { state: 'connecting' | 'live' } | { state: 'lost'; sinceMs: number }
export const link = signal<LinkState>({ state: 'connecting' })

const silenceMs = 4000
const retryMsMax = 8000
const wavesForAllUpTo = 24

const address = computed(() => {
  if (deviceNames.value.length <= wavesForAllUpTo) return '/api/live'
  const at = route.value
  return `/api/live?waves=${at.view === 'device' ? inAddress(at.device) : ''}`
})

export function followLive(): void {
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let retryMs = 500
  let heardAt = performance.now()

  const open = () => {
    clearTimeout(retry)
    source?.close()
    if (me.peek() === 'stranger') return
    heardAt = performance.now()
    source = new EventSource(address.peek())
    source.onerror = lost
    listen(source, () => {
      heardAt = performance.now()
      retryMs = 500
      if (link.peek().state !== 'live') link.value = { state: 'live' }
    })
  }
  const lost = () => {
    source?.close()
    void askWhoIAm()
    if (link.peek().state !== 'lost') link.value = { state: 'lost', sinceMs: Date.now() - (performance.now() - heardAt) }
    clearTimeout(retry)
    retry = setTimeout(open, retryMs)
    retryMs = Math.min(retryMs * 1.6, retryMsMax)
  }

  setInterval(() => {
    if (performance.now() - heardAt > silenceMs && link.peek().state !== 'lost') lost()
  }, 1000)
  addEventListener('online', open)
  addEventListener('pagehide', () => source?.close())
  addEventListener('pageshow', (event) => event.persisted && open())
  effect(() => {
    address.value
    open()
  })
}

function listen(source: EventSource, heard: () => void): void {
  const on = <T>(name: string, apply: (data: T) => void) =>
    source.addEventListener(name, (event) => {
      heard()
      apply(JSON.parse((event as MessageEvent<string>).data) as T)
    })
  on<HelloEvent>('hello', applyHello)
  on<ValuesEvent>('values', applyValues)
  on<DeviceView>('state', applyState)
  on<GapEvent>('gap', applyGap)
  on<LateEvent>('late', applyLate)
  on<AlarmRecord>('alarm', applyAlarm)
  on<LeftEvent>('left', applyLeft)
  on<LedgerView>('ledger', (view) => {
    ledger.value = view
  })
  on<StatusEvent>('status', (status) => {
    setServerTime(status.serverMs)
    pipeline.value = status
    leftOut.value = status.leftOut
  })
}
