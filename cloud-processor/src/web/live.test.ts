import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { alarm, ask, readings, startMs, startWeb, watch } from './testing/web.ts'
import type { DeviceView, HelloEvent, LateEvent, LedgerView, ValuesEvent } from './wire.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
async function start(set: Record<string, unknown> = {}) {
  const started = await startWeb({ set })
  closing.push(() => started.web.close())
  const live = async (query = '') => {
    const viewer = await watch(`${started.url}/api/live${query}`)
    closing.push(viewer.close)
    return viewer
  }
  return { ...started, live }
}
const pleth = (t: number, samples = 100) => ({ pleth: [{ t, i: 10, v: Array.from({ length: samples }, (_, k) => k % 100) }] })

it('greets with everything, then sends values as scaled columns joined over the flush time', async () => {
  const { web, live } = await start()
  const viewer = await live()
  expect(viewer.response.headers.get('content-type')).toBe('text/event-stream')
  expect(await viewer.next<HelloEvent>('hello')).toMatchObject({ fleet: [{ device: 'oximeter-1' }], alarms: [] })
  web.onTimeline([
    readings(startMs, 97, { waves: pleth(startMs) }),
    readings(startMs + 1000, 96, { waves: pleth(startMs + 1000) }),
  ])
  const values = await viewer.next<ValuesEvent>('values')
  expect(values.channels.spo2).toEqual({ t: [startMs, startMs + 1000], v: [97, 96] })
  expect(values.waves.pleth).toHaveLength(1)
  expect(values.waves.pleth![0]!.v).toHaveLength(200)
})

it('tells of gaps, deaths, alarms, the ledger and the status', async () => {
  const { web, live } = await start()
  const viewer = await live()
  await viewer.next('hello')
  web.onTimeline([{ f: 1, k: 'gap', subject: 'bed-1', device: 'oximeter-1', reason: 'unplugged', fromMs: startMs }])
  expect(await viewer.next('gap')).toMatchObject({ reason: 'unplugged' })
  expect((await viewer.next<DeviceView>('state')).absences).toHaveLength(1)
  web.onTimeline([{ f: 1, k: 'death', subject: '', device: '', node: 'gateway-1', atMs: startMs, reason: 'link lost' }])
  expect(await viewer.next('state')).toMatchObject({ device: 'oximeter-1', state: 'offline', reason: 'link lost' })
  web.onAlarms([alarm()])
  expect(await viewer.next('alarm')).toMatchObject({ id: alarm().id, active: true })
  expect((await viewer.next<LedgerView>('ledger')).balanced).toBe(true)
  expect(await viewer.next('status')).toHaveProperty('serverMs')
})

it('shows what a retained copy brought as last known, and its device no more alive than it was', async () => {
  const { web, live } = await start({ staleAfterMs: 500 })
  const viewer = await live()
  web.onTimeline([readings(startMs, 97)])
  let state = await viewer.next<DeviceView>('state')
  while (state.state !== 'stale') state = await viewer.next<DeviceView>('state')
  const where = { subject: 'bed-1', device: 'oximeter-1', receivedMs: startMs + 60_000 }
  web.onTimeline([{ f: 1, k: 'last-known', ...where, channels: { spo2: 50 } }])
  expect(await viewer.next<DeviceView>('state')).toEqual({ ...state, lastKnown: { spo2: 50 } })
})

it('says that a device has gone stale without being asked', async () => {
  const { web, live } = await start({ staleAfterMs: 500 })
  const viewer = await live()
  web.onTimeline([readings(startMs, 97)])
  let state = await viewer.next<DeviceView>('state')
  while (state.state !== 'stale') state = await viewer.next<DeviceView>('state')
  expect(state.last.spo2).toEqual({ t: startMs, v: 97 })
})

it('tells of late readings by their span, never as live values', async () => {
  const { web, live } = await start()
  const viewer = await live()
  await viewer.next('hello')
  web.onTimeline([readings(startMs, 90, { hist: true }), readings(startMs + 5000, 91, { hist: true })])
  expect(await viewer.next<LateEvent>('late')).toEqual({ device: 'oximeter-1', fromMs: startMs, toMs: startMs + 5000 })
  expect(viewer.events.filter(({ name }) => name === 'values')).toEqual([])
})

it('sends only the devices and waveforms that were asked for', async () => {
  const { web, live } = await start()
  const one = await live('?devices=oximeter-2')
  const two = await live('?waves=')
  web.onTimeline([
    readings(startMs, 97, { waves: pleth(startMs) }),
    readings(startMs, 50, { device: 'oximeter-2', waves: pleth(startMs) }),
  ])
  expect(await one.next<ValuesEvent>('values')).toMatchObject({ device: 'oximeter-2', waves: { pleth: [{}] } })
  expect(one.events.filter(({ name }) => name === 'values')).toEqual([])
  expect(await two.next<ValuesEvent>('values')).toMatchObject({ device: 'oximeter-1', waves: {} })
  expect(await two.next<ValuesEvent>('values')).toMatchObject({ device: 'oximeter-2', waves: {} })
})

it('refuses a live connection above the limit and takes one again when a page is closed', async () => {
  const { web, live } = await start({ viewersMax: 1 })
  const first = await live()
  const refused = await ask(web.port, '/api/live')
  expect(refused.code).toBe(503)
  expect(refused.headers['retry-after']).toBe('5')
  first.close()
  await sleep(50)
  await (await live()).next('hello')
})

it('keeps its memory bounded for a frozen page, goes on for others, and greets the frozen one afresh when it wakes', async () => {
  const { web, live, metrics } = await start({ viewerBytesMax: 524_288 })
  const socket = connect(web.port, '127.0.0.1')
  closing.push(() => socket.destroy())
  socket.write(`GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\n\r\n`)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  while (!text.includes('event: hello')) await sleep(10)
  socket.pause()
  const well = await live()
  const skipped = (what: string) => metrics.values()[`millrace_web_skipped_total{what="${what}"}`] ?? 0
  for (let wave = 0; skipped('waves') === 0; wave++) {
    web.onTimeline([readings(startMs, 97, { waves: pleth(startMs + wave * 1_000_000, 30_000) })])
    await sleep(25)
  }
  expect(skipped('events')).toBe(0)
  const long = Array.from({ length: 10_000 }, (_, k) => startMs + k)
  while (skipped('events') < 5) {
    web.onTimeline([readings(startMs, 97, { channels: { spo2: { t: long, v: long } } })])
    await sleep(25)
  }
  expect(await well.next('values')).toBeDefined()
  text = ''
  socket.resume()
  while (!text.includes('event: hello')) await sleep(20)
  text = ''
  web.onTimeline([readings(startMs + 9e9, 42)])
  while (!text.includes('"v":[42]')) await sleep(20)
}, 20_000)

it('closes a page that stays frozen', async () => {
  const { web } = await start({ viewerBytesMax: 16_384, viewerStalledMs: 1000 })
  const socket = connect(web.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\n\r\n`)
  await sleep(100)
  socket.pause()
  const viewers = async () => Number(/millrace_web_viewers (\d+)/.exec((await ask(web.port, '/metrics')).body)![1])
  expect(await viewers()).toBe(1)
  for (let k = 0; (await viewers()) > 0; k++) {
    web.onTimeline([readings(startMs + k * 1000, 97, { channels: { spo2: { t: [], v: [] } }, waves: {} })])
    const t = Array.from({ length: 20_000 }, (_, n) => n)
    web.onTimeline([readings(k, 1, { channels: { spo2: { t, v: t } } })])
    await sleep(20)
  }
  socket.destroy()
}, 20_000)
