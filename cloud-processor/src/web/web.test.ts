import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlarmRecord } from '@millrace/contract'
import { MillraceError, systemClock } from '@millrace/platform'
import { afterEach, describe, expect, it } from 'vitest'
import { alarm, ask, hourStore, ledgerRow, readings, startMs, startWeb } from './testing/web.ts'
import type { DeviceView, LedgerView, Series, Waves } from './wire.ts'

const open: { close(): Promise<void> }[] = []
const folders: string[] = []
afterEach(async () => {
  for (const web of open.splice(0)) await web.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
const start: typeof startWeb = async (changes) => {
  const started = await startWeb(changes)
  open.push(started.web)
  return started
}
const tempFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-web-'))
  folders.push(folder)
  return folder
}

/** Makes what waits on it happen now, as often as it is told. */
function hastyClock() {
  const later: (() => void)[] = []
  const clock = {
    ...systemClock,
    after(ms: number, call: () => void) {
      later.push(call)
      return systemClock.after(ms, call)
    },
  }
  const callAll = () => {
    for (const call of later.splice(0)) call()
  }
  return { clock, callAll }
}

describe('a store that is away when the page starts', () => {
  it('is asked again, while what is live is shown', async () => {
    let isAway = true
    const whole = hourStore()
    const store = {
      ...whole,
      async totals() {
        if (isAway) throw new MillraceError('STORE_READ', { path: 'http://127.0.0.1:1', detail: 'refused' })
        return whole.totals()
      },
    }
    const { clock, callAll } = hastyClock()
    const { web, json } = await start({ store, clock })
    expect(await json('/api/fleet')).toEqual([])
    web.onTimeline([readings(startMs, 97)])
    expect(await json<DeviceView[]>('/api/fleet')).toMatchObject([{ device: 'oximeter-1', channels: [] }])
    isAway = false
    callAll()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await json<DeviceView[]>('/api/fleet')).toMatchObject([{ device: 'oximeter-1', state: 'online', node: 'gateway-1' }])
  })
})

describe('a device that was declared before the page followed the timeline', () => {
  it('is known when the store has it', async () => {
    const whole = hourStore()
    let isStored = false
    const store = { ...whole, devices: async () => (isStored ? whole.devices() : []) }
    const { clock, callAll } = hastyClock()
    const { web, json } = await start({ store, clock })
    web.onTimeline([readings(startMs, 97)])
    isStored = true
    callAll()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const [device] = await json<DeviceView[]>('/api/fleet')
    expect(device!.channels.length).toBeGreaterThan(0)
  })
})

describe('who may talk to the page', () => {
  it('answers to the names of loopback with its own port, and to no other name', async () => {
    const { web } = await start({ set: { hosts: ['ward.example'] } })
    const get = async (host: string) => (await ask(web.port, '/api/fleet', { headers: { host } })).code
    expect(await get(`127.0.0.1:${web.port}`)).toBe(200)
    expect(await get(`localhost:${web.port}`)).toBe(200)
    expect(await get(`LOCALHOST:${web.port}`)).toBe(200)
    expect(await get(`[::1]:${web.port}`)).toBe(200)
    expect(await get(`ward.example:${web.port}`)).toBe(200)
    expect(await get(`evil.example:${web.port}`)).toBe(421)
    expect(await get('localhost')).toBe(421)
    expect(await get(`localhost:${web.port + 1}`)).toBe(421)
    expect(await get(`localhost.evil.example:${web.port}`)).toBe(421)
  })

  it('takes a change only from its own origin and only as JSON', async () => {
    const { web, appended, url } = await start()
    web.onAlarms([alarm()])
    const body = JSON.stringify({ alarm: alarm().id, by: 'Ada' })
    const post = async (headers: Record<string, string>) =>
      (await ask(web.port, '/api/alarms/acknowledge', { method: 'POST', headers, body })).code
    const json = { 'content-type': 'application/json' }
    expect(await post(json)).toBe(403)
    expect(await post({ ...json, origin: 'http://evil.example' })).toBe(403)
    expect(await post({ ...json, origin: 'null' })).toBe(403)
    expect(await post({ ...json, origin: `https://127.0.0.1:${web.port}` })).toBe(403)
    expect(await post({ origin: url, 'content-type': 'text/plain' })).toBe(403)
    expect(appended).toEqual([])
    expect(await post({ ...json, origin: url })).toBe(202)
    expect(appended).toEqual([{ type: 'acknowledge', alarm: alarm().id, by: 'Ada' }])
  })

  it('forbids framing, sniffing and foreign sources on every answer', async () => {
    const { web } = await start()
    for (const path of ['/api/fleet', '/nothing', '/api/devices/x/series']) {
      const { headers } = await ask(web.port, path)
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('refuses to listen off loopback without TLS and a credential', async () => {
    await expect(startWeb({ set: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'LISTENER_NOT_LOOPBACK' })
    const credential = { name: 'ward', passwordFile: '/nowhere' }
    await expect(startWeb({ set: { host: '0.0.0.0', credential } })).rejects.toThrow('has no TLS')
  })

  it('asks for the credential when one is configured, except on the probes', async () => {
    const passwordFile = join(tempFolder(), 'password')
    writeFileSync(passwordFile, 'correct horse\n')
    const { web } = await start({ set: { credential: { name: 'ward', passwordFile } } })
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    expect((await ask(web.port, '/api/fleet')).code).toBe(401)
    expect((await ask(web.port, '/api/fleet', { headers: basic('ward:wrong horse') })).code).toBe(401)
    expect((await ask(web.port, '/api/fleet', { headers: basic('ward:correct horse') })).code).toBe(200)
    expect((await ask(web.port, '/health')).code).toBe(200)
  })

  it('says which port is taken', async () => {
    const { web } = await start()
    await expect(startWeb({ set: { port: web.port } })).rejects.toMatchObject({ code: 'PROCESS_PORT_IN_USE' })
  })
})

describe('bad requests', () => {
  it('names the parameter at fault', async () => {
    const { url } = await start()
    const get = async (path: string) => {
      const response = await fetch(url + path)
      const { code, error } = (await response.json()) as { code: string; error: string }
      return `${response.status} ${code} ${error}`
    }
    expect(await get('/api/devices/oximeter-1/series?channel=spo2&from=now&to=1')).toMatch(
      /^400 WEB_QUERY .*from: must be a time/,
    )
    expect(await get('/api/devices/oximeter-1/series?from=0&to=1')).toMatch(/^400 WEB_QUERY .*channel: is required/)
    expect(await get('/api/devices/oximeter-1/series?channel=spo2&from=2&to=1')).toMatch(/^400 .*from: must not be after to/)
    expect(await get('/api/devices/oximeter-1/series?channel=spo2&from=0&to=1&points=1e9')).toMatch(/^400 .*points/)
    expect(await get('/api/devices/oximeter-1/series?channel=spo2&from=0&to=1&stepp=5')).toMatch(/^400 .*stepp/)
    expect(await get('/api/devices/oximeter-1/series?channel=pleth&from=0&to=1')).toMatch(/^400 .*is a waveform/)
    expect(await get('/api/devices/oximeter-1/waves?channel=spo2&from=0&to=1')).toMatch(/^400 .*not a waveform/)
    expect(await get('/api/devices/nobody/series?channel=spo2&from=0&to=1')).toMatch(/^404 WEB_UNKNOWN .*device "nobody"/)
    expect(await get('/api/export/oximeter-1/nothing')).toMatch(/^404 .*channel "nothing"/)
    expect(await get('/api/alarms?state=loud')).toMatch(/^400 .*state/)
  })

  it('takes orders about alarms with who, why and until when, and refuses those that are not possible', async () => {
    const { web, url, appended, json } = await start()
    web.onAlarms([alarm(), alarm({ change: 'commented', actor: 'Ada', reason: 'seen' })])
    const of = { rule: alarm().rule, device: alarm().device, channel: alarm().channel, by: 'Ada' }
    const post = async (order: string, body: object) => {
      const headers = { origin: url, 'content-type': 'application/json' }
      const text = JSON.stringify({ alarm: alarm().id, by: 'Ada', ...body })
      return (await ask(web.port, `/api/alarms/${order}`, { method: 'POST', headers, body: text })).code
    }
    const untilMs = Date.now() + 600_000
    expect(alarm().priority).toBe('high')
    expect([await post('shelve', { untilMs }), await post('out-of-service', {}), await post('comment', {})]).toEqual([
      400, 400, 400,
    ])
    expect(await post('shelve', { untilMs: 1000, reason: 'care' })).toBe(400)
    expect(await post('shelve', { alarm: 'unknown', reason: 'care' })).toBe(404)
    expect(appended).toEqual([])
    expect(await post('shelve', { untilMs, reason: 'care' })).toBe(202)
    expect([await post('unshelve', {}), await post('comment', { note: 'seen' })]).toEqual([202, 202])
    expect(appended).toEqual([
      { type: 'shelve', ...of, reason: 'care', untilMs },
      { type: 'unshelve', ...of },
      { type: 'comment', alarm: alarm().id, by: 'Ada', note: 'seen' },
    ])
    const changes = await json<AlarmRecord[]>(`/api/alarms/changes?alarm=${encodeURIComponent(alarm().id)}`)
    expect(changes).toMatchObject([{ change: 'raised' }, { change: 'commented', actor: 'Ada', reason: 'seen' }])
  })

  it('refuses broken, foreign and oversized bodies', async () => {
    const { web, url } = await start()
    const headers = { origin: url, 'content-type': 'application/json' }
    const post = async (body: string) => (await ask(web.port, '/api/alarms/acknowledge', { method: 'POST', headers, body })).code
    expect(await post('{"alarm"')).toBe(400)
    expect(await post('{"alarm":"x"}')).toBe(400)
    expect(await post('{"alarm":"unknown","by":"Ada"}')).toBe(404)
    expect(await post(JSON.stringify({ alarm: 'x', by: 'Ada', note: 'n'.repeat(40_000) }))).toBe(400)
  })

  it('keeps the inner reason of a failure to the log', async () => {
    const store = { ...hourStore(), ledger: () => Promise.reject(new Error('secret path /srv/store')) }
    const { url } = await start({ store })
    const response = await fetch(`${url}/api/ledger`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })
})

describe('history', () => {
  it('gives scaled points while they fit, with the gaps', async () => {
    const { json } = await start()
    const series = await json(`/api/devices/oximeter-1/series?channel=temperature&from=${startMs}&to=${startMs + 2000}`)
    expect(series).toMatchObject({
      kind: 'points',
      unit: 'Cel',
      t: [startMs, startMs + 1000, startMs + 2000],
      v: [90, 90.1, 90.2],
    })
    const { gaps } = await json<Series>(`/api/devices/oximeter-1/series?channel=spo2&from=${startMs}&to=${startMs + 2000}`)
    expect(gaps).toEqual([
      { device: 'oximeter-1', channel: 'spo2', reason: 'probe-off', fromMs: startMs + 5000, toMs: startMs + 9000 },
    ])
  })

  it('gives scaled steps when points do not fit', async () => {
    const { json } = await start()
    const series = await json<Extract<Series, { kind: 'steps' }>>(
      `/api/devices/oximeter-1/series?channel=temperature&from=${startMs}&to=${startMs + 3_600_000}&points=60`,
    )
    expect(series).toMatchObject({ kind: 'steps', stepMs: 60_000 })
    expect(series.t).toHaveLength(60)
    expect(series.min[0]).toBe(90)
    expect(series.max[0]).toBe(95.9)
    expect(series.mean[0]).toBeCloseTo(92.95, 9)
    expect(series.count.reduce((a, b) => a + b)).toBe(3600)
  })

  it('gives waveform segments with their scale, and says when there is more', async () => {
    const { json } = await start({ set: { samplesMax: 1000 } })
    const waves = await json<Waves>(`/api/devices/oximeter-1/waves?channel=pleth&from=${startMs}&to=${startMs + 20_000}`)
    expect(waves).toMatchObject({ scale: 1, offset: 0, more: true })
    expect(waves.segments[0]).toMatchObject({ t: startMs, i: 10 })
  })

  it('exports every raw reading once, in order, over many pages', async () => {
    const store = hourStore()
    const long = Array.from({ length: 12_345 }, (_, k) => startMs + k)
    store.points = async ({ fromMs: from, toMs: to }, limit = 1e9) => {
      const t = long.filter((at) => at >= from && at <= to).slice(0, limit)
      return { t, v: t.map((at) => at % 1000), q: t.map((at) => (at % 2000 === 0 ? 1 : 0)) }
    }
    const { url } = await start({ store })
    const text = await (await fetch(`${url}/api/export/oximeter-1/spo2`)).text()
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ t }) => t)).toEqual(long)
    expect(lines[0]).toEqual({ t: startMs, v: 0, q: 1 })
    expect(lines[1]).toEqual({ t: startMs + 1, v: 1 })
  })

  it('exports all that was written before, though the store shows it only when it is refreshed', async () => {
    const store = hourStore()
    const { points } = store
    let isVisible = false
    store.refresh = async () => {
      isVisible = true
    }
    store.points = async (...args) => (isVisible ? points(...args) : { t: [], v: [] })
    const { url } = await start({ store })
    const text = await (await fetch(`${url}/api/export/oximeter-1/spo2`)).text()
    expect(text.split('\n').length).toBeGreaterThan(1000)
  })

  it('exports waveform segments once each', async () => {
    const { url } = await start()
    const text = await (await fetch(`${url}/api/export/oximeter-1/pleth?from=${startMs}`)).text()
    const times = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).t)
    expect(times).toEqual(Array.from({ length: 3600 }, (_, k) => startMs + k * 1000))
  })
})

describe('the state of things', () => {
  it('sums the ledger, and two opposite differences do not cancel', async () => {
    const closing = await start({ store: hourStore([ledgerRow('a'), ledgerRow('b')]) })
    const good = await closing.json<LedgerView>('/api/ledger')
    expect(good).toMatchObject({ balanced: true, inFlight: { outboxRows: 4, logRecords: 3 } })
    expect(good.total).toMatchObject({
      read: [200, 100],
      filtered: [20, 0],
      rejected: [6, 0],
      evicted: [10, 0],
      stored: [162, 100],
    })
    const open = await start({ store: hourStore([ledgerRow('a', 2), ledgerRow('b', -2)]) })
    const bad = await open.json<LedgerView>('/api/ledger')
    expect(bad).toMatchObject({ balanced: false, total: { difference: [0, 0], balanced: false } })
  })

  it('lists open alarms by urgency and drops settled ones first at the bound', async () => {
    const { web, json } = await start({ set: { alarmsMax: 10 } })
    web.onAlarms([alarm({ id: 'low', priority: 'low' }), alarm({ id: 'high' }), alarm({ id: 'old', retrospective: true })])
    for (let k = 0; k < 20; k++) web.onAlarms([alarm({ id: `settled-${k}`, active: false, acknowledged: true })])
    expect((await json<AlarmRecord[]>('/api/alarms')).map(({ id }) => id)).toEqual(['high', 'low'])
    expect(await json('/api/alarms?state=all')).toHaveLength(10)
  })

  it('shows a device of the store as offline until it speaks, and its last values scaled', async () => {
    const { web, json } = await start()
    expect((await json<DeviceView[]>('/api/fleet'))[0]).toMatchObject({ device: 'oximeter-1', state: 'offline', last: {} })
    web.onTimeline([readings(startMs, 97, { channels: { temperature: { t: [startMs], v: [364] } } })])
    web.onTimeline([readings(startMs - 60_000, 12, { hist: true })])
    expect((await json<DeviceView[]>('/api/fleet'))[0]).toMatchObject({
      state: 'online',
      last: { temperature: { t: startMs, v: 36.4 } },
    })
    expect((await json<DeviceView[]>('/api/fleet'))[0]!.last.spo2).toBeUndefined()
  })

  it('keeps an absence open until the next reading of its channel', async () => {
    const { web, json } = await start()
    const gap = {
      f: 1,
      k: 'gap',
      subject: 'bed-1',
      device: 'oximeter-1',
      channel: 'spo2',
      reason: 'probe-off',
      fromMs: startMs,
    } as const
    web.onTimeline([gap])
    expect((await json<DeviceView[]>('/api/fleet'))[0]!.absences).toEqual([
      { channel: 'spo2', reason: 'probe-off', fromMs: startMs },
    ])
    web.onTimeline([readings(startMs + 1, 97)])
    expect((await json<DeviceView[]>('/api/fleet'))[0]!.absences).toEqual([])
  })

  it('is ready only while the bridge has its broker, and exposes metrics', async () => {
    const { web, metrics } = await start()
    metrics.counter('millrace_test_total', 'A test').add()
    expect((await ask(web.port, '/ready')).code).toBe(200)
    expect((await ask(web.port, '/metrics')).body).toContain('millrace_test_total 1')
  })

  it('serves the page with entity tags and nothing outside its folder', async () => {
    const staticDir = tempFolder()
    writeFileSync(join(staticDir, 'index.html'), '<!doctype html><title>t</title>')
    const { web } = await start({ staticDir })
    const page = await ask(web.port, '/')
    expect(page).toMatchObject({ code: 200, body: '<!doctype html><title>t</title>' })
    expect((await ask(web.port, '/', { headers: { 'if-none-match': page.headers.etag! } })).code).toBe(304)
    expect((await ask(web.port, '/../../package.json')).code).toBe(404)
  })
})

describe('silences', () => {
  it('are ordered with a reason, listed from their records, and ended', async () => {
    const appended: object[] = []
    const controls = { append: async (control: object) => void appended.push(control) }
    const { web, json, url } = await start({ controls })
    const headers = { origin: url, 'content-type': 'application/json' }
    const post = async (path: string, body: object) =>
      ask(web.port, `/api/silences${path}`, { method: 'POST', headers, body: JSON.stringify({ by: 'Ada', ...body }) })
    const untilMs = Date.now() + 600_000
    const matchers = { devices: ['bed-*'] }
    const codes = [
      await post('', { matchers, untilMs }),
      await post('', { matchers: {}, untilMs, reason: 'repair' }),
      await post('', { matchers: { colour: ['red'] }, untilMs, reason: 'repair' }),
      await post('', { matchers, untilMs: 1000, reason: 'repair' }),
      await post('', { matchers, untilMs: untilMs + 32 * 86_400_000, reason: 'repair' }),
      await post('/end', { id: 'ward' }),
    ]
    expect(codes.map(({ code }) => code)).toEqual([400, 400, 400, 400, 400, 404])
    expect((await post('', { id: 'ward', matchers, untilMs, reason: 'repair' })).code).toBe(202)
    expect(appended).toEqual([{ type: 'silence', id: 'ward', by: 'Ada', matchers, untilMs, reason: 'repair' }])
    const told = alarm({ id: 'ward/m', change: 'silenced', active: false, matchers, silenced: { untilMs }, actor: 'Ada' })
    web.onAlarms([told])
    expect(await json('/api/silences')).toMatchObject([{ id: 'ward', matchers, untilMs, by: 'Ada' }])
    expect((await post('/end', { id: 'ward' })).code).toBe(202)
    web.onAlarms([{ ...told, change: 'unsilenced' }])
    expect(await json('/api/silences')).toEqual([])
  })
})
