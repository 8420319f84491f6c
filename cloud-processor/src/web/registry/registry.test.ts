/** The device registry over the real page. */
import { type Control, type RegistryControl, takeChanges } from '@millrace/contract'
import { systemClock } from '@millrace/platform'
import { afterEach, describe, expect, it } from 'vitest'
import { People } from '../../people/index.ts'
import { hourStore, startMs, startWeb } from '../testing/web.ts'
import type { RegistryDevice } from '../wire.ts'

type Page = Awaited<ReturnType<typeof startWeb>>
let page: Page | undefined
afterEach(() => page?.web.close())

/** A ward with two oximeters, the second of which has the same hour of readings. */
async function startWard() {
  const store = hourStore()
  const [known] = await store.devices()
  const devices = [known!, { ...known!, device: 'oximeter-2', subject: 'oximeter-2' }]
  const people = new People(':memory:', systemClock)
  const ward = {
    ...store,
    devices: async (name?: string) => devices.filter(({ device }) => name === undefined || device === name),
  }
  page = await startWeb({ store: ward, people })
  return { ...page, people }
}

async function order({ url }: Pick<Page, 'url'>, name: string, body: object): Promise<{ code: number; text: string }> {
  const headers = { origin: url, 'content-type': 'application/json' }
  const sent = { method: 'POST', headers, body: JSON.stringify({ by: 'Ada', ...body }) }
  const answer = await fetch(`${url}/api/registry/${name}`, sent)
  return { code: answer.status, text: await answer.text() }
}

async function timesOf({ url }: Pick<Page, 'url'>, path: string): Promise<number[]> {
  const text = await (await fetch(`${url}${path}channel=spo2&from=${startMs}&to=${startMs + 3_600_000}`)).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line).t - startMs) / 1000)
}

const minute = 60_000
const oximeter = { device: 'oximeter-1' }
const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k)

describe('the device registry', () => {
  it('gives of a subject exactly the readings of its time, entered afterwards', async () => {
    const ward = await startWard()
    const anna = { ...oximeter, subject: 'anna', fromMs: startMs + 10 * minute, toMs: startMs + 20 * minute }
    expect((await order(ward, 'assign', anna)).code).toBe(202)
    expect((await order(ward, 'assign', { ...oximeter, subject: 'ben', fromMs: anna.toMs })).code).toBe(202)
    expect(await timesOf(ward, '/api/subjects/anna/export?')).toEqual(seconds(600, 1200))
    expect(await timesOf(ward, '/api/subjects/ben/export?')).toEqual(seconds(1200, 3600))
    expect(await timesOf(ward, '/api/subjects/oximeter-1/export?')).toEqual(seconds(0, 600))
    expect(await timesOf(ward, '/api/subjects/nobody/export?')).toEqual([])
  })

  it('names the subject of each line of a device’s export', async () => {
    const ward = await startWard()
    await order(ward, 'assign', { ...oximeter, subject: 'anna', fromMs: startMs + 2000, toMs: startMs + 3000 })
    const text = await (await fetch(`${ward.url}/api/export/oximeter-1/spo2?from=${startMs}&to=${startMs + 3000}`)).text()
    const lines = text.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).subject)).toEqual(['oximeter-1', 'oximeter-1', 'anna', 'oximeter-1'])
  })

  it('writes an order into the log and the trail, with who and why', async () => {
    const ward = await startWard()
    await order(ward, 'assign', { ...oximeter, subject: 'anna', fromMs: startMs, reason: 'moved to bed 4' })
    const change = { device: 'oximeter-1', property: 'subject', value: 'anna', fromMs: startMs }
    const expected = { type: 'registry', by: 'Ada', version: 1, reason: 'moved to bed 4', changes: [change] }
    expect(ward.appended).toMatchObject([expected])
    expect(ward.people.trail(10)).toMatchObject([{ action: 'device.assign', target: 'oximeter-1', reason: 'moved to bed 4' }])
  })

  it('lists every device with what it is and was', async () => {
    const ward = await startWard()
    await order(ward, 'describe', { ...oximeter, name: 'Oximeter by the window', place: 'ward 3, bed 4', fromMs: startMs })
    await order(ward, 'assign', { ...oximeter, subject: 'anna', fromMs: startMs })
    const [first, second] = await ward.json<RegistryDevice[]>('/api/registry')
    expect(first).toMatchObject({ name: 'Oximeter by the window', place: 'ward 3, bed 4', subject: 'anna', node: 'gateway-1' })
    expect(first!.subjects).toMatchObject([{ value: 'anna', fromMs: startMs, by: 'Ada' }])
    expect(second).toEqual({ device: 'oximeter-2', node: 'gateway-1', subject: 'oximeter-2', subjects: [], places: [] })
  })

  it('replaces a device: subject and place go over at a time, the old one is out of use, both stay readable', async () => {
    const ward = await startWard()
    await order(ward, 'describe', { ...oximeter, place: 'ward 3', fromMs: startMs })
    await order(ward, 'assign', { ...oximeter, subject: 'anna', fromMs: startMs })
    const at = { ...oximeter, with: 'oximeter-2', fromMs: startMs + 30 * minute }
    expect(await order(ward, 'replace', at)).toMatchObject({ code: 202 })
    const [old, successor] = await ward.json<RegistryDevice[]>('/api/registry')
    expect(old).toMatchObject({ subject: 'oximeter-1', replacedBy: 'oximeter-2', decommissionedMs: at.fromMs })
    expect(old!.place).toBeUndefined()
    expect(successor).toMatchObject({ subject: 'anna', place: 'ward 3', replaces: 'oximeter-1' })
    expect(await timesOf(ward, '/api/subjects/anna/export?')).toEqual(seconds(0, 3600))
    expect((await order(ward, 'replace', { device: 'oximeter-2', with: 'oximeter-1' })).text).toContain('decommissioned')
  })

  it('goes on from what was ordered before', async () => {
    const entries = new Map()
    const before: RegistryControl = {
      ...{ type: 'registry', by: 'Ada', id: 'a', version: 7, atMs: startMs },
      changes: [{ device: 'oximeter-1', property: 'subject', value: 'anna', fromMs: startMs }],
    }
    takeChanges(entries, before)
    page = await startWeb({ registry: { entries, loaded: Promise.resolve() } })
    await order(page, 'assign', { ...oximeter, subject: 'ben', fromMs: startMs + minute, over: true })
    expect(page.appended).toMatchObject([{ version: 8 }])
    expect(await timesOf(page, '/api/subjects/anna/export?')).toEqual(seconds(0, 60))
  })

  it('takes what another processor wrote from the timeline', async () => {
    const ward = await startWard()
    const changes = [{ device: 'oximeter-1', property: 'subject', value: 'anna', fromMs: startMs } as const]
    const control: Control = { type: 'registry', by: 'Ada', id: 'b', version: 1, atMs: startMs, changes }
    ward.web.onTimeline([{ f: 1, k: 'control', control, atMs: startMs }])
    expect(await timesOf(ward, '/api/subjects/anna/export?')).toEqual(seconds(0, 3600))
  })

  it.each([
    ['assign', { device: 'nobody', subject: 'anna' }, 404, 'nobody'],
    ['assign', { ...oximeter, subject: 'anna', fromMs: startMs + 2, toMs: startMs + 2 }, 409, 'not after its beginning'],
    ['assign', { ...oximeter, subject: 'anna', fromMs: Date.now() + 60_000 }, 409, 'in the future'],
    ['assign', { ...oximeter, subject: 'anna', fromMs: startMs, toMs: Date.now() + 60_000 }, 409, 'the end'],
    ['assign', { ...oximeter, subject: '' }, 400, 'subject'],
    ['unassign', oximeter, 409, 'is not assigned'],
    ['describe', oximeter, 409, 'neither name nor place'],
    ['replace', { ...oximeter, with: 'nobody' }, 404, 'nobody'],
    ['replace', { ...oximeter, with: 'oximeter-1' }, 409, 'replace itself'],
    ['recommission', oximeter, 409, 'is in use'],
  ])('%s %j is refused with %i and says why', async (name, body, code, text) => {
    const ward = await startWard()
    const answer = await order(ward, name, body)
    expect(answer).toMatchObject({ code, text: expect.stringContaining(text) })
    expect(ward.appended).toEqual([])
  })

  it('checks each order against those before it, also when they come at once', async () => {
    const ward = await startWard()
    const all = ['anna', 'ben', 'carl'].map((subject) => order(ward, 'assign', { ...oximeter, subject, fromMs: startMs }))
    expect((await Promise.all(all)).map(({ code }) => code).toSorted()).toEqual([202, 409, 409])
    expect(ward.appended).toHaveLength(1)
  })

  it('refuses an assignment over another one, and says which, unless it is told to', async () => {
    const ward = await startWard()
    await order(ward, 'assign', { ...oximeter, subject: 'anna', fromMs: startMs })
    const ben = { ...oximeter, subject: 'ben', fromMs: startMs + minute }
    const { code, text } = await order(ward, 'assign', ben)
    expect([code, text]).toEqual([
      409,
      expect.stringContaining(`assigned to \\"anna\\" since ${new Date(startMs).toISOString()}`),
    ])
    expect((await order(ward, 'assign', { ...ben, over: true })).code).toBe(202)
    expect((await order(ward, 'unassign', { ...oximeter, fromMs: startMs + 2 * minute })).code).toBe(202)
    expect(await timesOf(ward, '/api/subjects/ben/export?')).toEqual(seconds(60, 120))
  })
})
