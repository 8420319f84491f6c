/** Bytes of the store's file are flipped; then it is asked and written to. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { encodeJson, type TimelineRecord } from '@millrace/contract'
import { createMetrics, type Log as Logger, type MillraceError, silentLog } from '@millrace/platform'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openEmbeddedStore } from './embedded.ts'

const t0 = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const everyMs = 20_000
const hours = 4
const perHour = hourMs / everyMs
// Each test starts and stops a store several times.
vi.setConfig({ testTimeout: 120_000 })

let dir: string
let path: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-store-damage-'))
  path = join(dir, 'store.sqlite')
})
afterEach(() => rm(dir, { recursive: true }))

const valueAt = (k: number) => (k * 7919) % 401
const all = { fromMs: 0, toMs: 1e14 }

async function withStore<T>(work: (store: Awaited<ReturnType<typeof openEmbeddedStore>>) => Promise<T>) {
  const errors: Error[] = []
  const logger: Logger = { ...silentLog, error: (_text, values) => void errors.push((values as { error: Error }).error) }
  const store = await openEmbeddedStore({ path, quietMinutes: 1 }, { log: logger, metrics: createMetrics() })
  try {
    return { found: await work(store), errors }
  } finally {
    await store.close()
  }
}

const logged = (record: TimelineRecord, offset: number) => ({ offset, key: '', value: encodeJson(record), timeMs: t0 })
const head = { f: 1, k: 'readings', subject: 'd', stream: 's', hist: false, receivedMs: t0 } as const

/** One minute of one device. */
function minuteOf(device: string, minute: number): TimelineRecord {
  const k = [0, 1, 2].map((one) => minute * 3 + one)
  const column = { t: k.map((one) => t0 + one * everyMs), v: k.map(valueAt) }
  const segment = { t: t0 + minute * 60_000, i: 1000, v: k.map(valueAt) }
  return { ...head, device, channels: { spo2: column }, waves: { pleth: [segment] } }
}

/** All but the last hour are merged. */
async function fill(): Promise<void> {
  const devices = ['a', 'b']
  const records = Array.from({ length: hours * 60 }, (_, minute) => devices.map((device) => minuteOf(device, minute))).flat()
  const perDevice = (hours - 1) * 60 * devices.length
  await withStore(async (store) => {
    await store.open('log', 0)
    await store.write(0, records.slice(0, perDevice).map(logged))
    await store.merge()
    await store.write(
      0,
      records.slice(perDevice).map((record, k) => logged(record, perDevice + k)),
    )
  })
}

const expected = Array.from({ length: hours * perHour }, (_, k) => ({ t: t0 + k * everyMs, v: valueAt(k) }))

function ask(device: string) {
  return withStore(async (store) => {
    const { t, v } = await store.points({ device, channel: 'spo2', ...all })
    const steps = await store.rollUp({ device, channel: 'spo2', fromMs: t0, toMs: t0 + hours * hourMs }, hourMs)
    const segments = await store.segments({ device, channel: 'pleth', ...all })
    return { points: t.map((at, k) => ({ t: at, v: v[k] })), steps, segments, gaps: await store.gaps(device, 0, 1e14) }
  })
}

/** Of a body in the file. */
function flip(table: string, where: string, at: (length: number) => number): void {
  const db = new DatabaseSync(path)
  const key = table === 'minutes' ? 'series' : 'id'
  const { id, body } = db.prepare(`SELECT ${key} AS id, body FROM ${table} WHERE ${where} ORDER BY ${key} LIMIT 1`).get() as {
    id: number
    body: Uint8Array
  }
  body[at(body.length)]! ^= 0x10
  db.prepare(`UPDATE ${table} SET body = ? WHERE ${key} = ? AND (${where})`).run(body, id)
  db.close()
}

const hourOf = (index: number) => t0 / hourMs + index
const readingsOf =
  "series = (SELECT series.id FROM series JOIN devices ON devices.id = series.device WHERE devices.device = 'a' AND wave = 0 AND channel = 'spo2')"

test('a damaged chunk is named, a gap lies over what it held, and its neighbours are read', async () => {
  await fill()
  flip('chunks', `${readingsOf} AND hour = ${hourOf(1)}`, (length) => length - 9)
  const { found, errors } = await ask('a')
  expect(found.points).toEqual(expected.filter((_, k) => Math.floor(k / perHour) !== 1))
  expect(found.steps.count, 'the roll-up of that hour is there').toEqual([perHour, perHour, perHour, perHour])
  const [from, to] = [t0 + hourMs, t0 + 2 * hourMs - everyMs]
  const gap = { device: 'a', channel: 'spo2', reason: 'damaged', fromMs: from, toMs: to, lost: [perHour, 0] }
  expect(found.gaps).toEqual([gap])
  const place = 'a chunk of a/spo2 in the hour from 2026-01-01T01:00:00.000Z'
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(new RegExp(`^STORE_DAMAGED: .*store\\.sqlite is damaged: ${place}.*Check the disk`)),
  ])
  const again = await ask('a')
  expect(again).toEqual({ found, errors: [] })
  expect((await ask('b')).found.points).toEqual(expected)
})

test('of an hour with a damaged batch the others are read and merged, and a gap lies over what it held', async () => {
  await fill()
  flip('batches', '1', () => 12)
  const { found, errors } = await ask('a')
  const isLost = (t: number) => t >= t0 + 3 * hourMs && t < t0 + 3 * hourMs + 60_000
  const rest = expected.filter(({ t }) => !isLost(t))
  expect(found.points).toEqual(rest)
  expect(found.gaps).toMatchObject([{ reason: 'damaged', fromMs: t0 + 3 * hourMs, toMs: t0 + 3 * hourMs + 2 * everyMs }])
  expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(/^STORE_DAMAGED: .*a batch of a in the hour from/)])
  await withStore((store) => store.merge())
  expect((await ask('a')).found).toEqual({ ...found, segments: expect.any(Array) })
})

test('the merging names what it finds, before it drops it', async () => {
  await fill()
  flip('batches', '1', () => 12)
  const { found, errors } = await withStore(async (store) => {
    await store.open('log', 0)
    await store.merge()
    await store.write(0, [logged({ f: 1, k: 'tick', subject: '', atMs: t0 + 5 * hourMs } as unknown as TimelineRecord, 1e6)])
    return store.gaps('a', 0, 1e14)
  })
  expect(found).toMatchObject([{ reason: 'damaged' }])
  expect(errors.map((error) => (error as MillraceError).code)).toEqual(['STORE_DAMAGED'])
})

test('minutes that are damaged are made of the chunk', async () => {
  await fill()
  flip('minutes', `${readingsOf} AND hour = ${hourOf(2)}`, () => 20)
  const { found, errors } = await ask('a')
  expect(found.steps.count).toEqual([perHour, perHour, perHour, perHour])
  expect(found.gaps).toEqual([])
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('the roll-up of a/spo2')])
})

function randomOf(seed: number) {
  let state = seed * 7919 + 1
  return (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

const attempt = async (work: () => Promise<unknown>) => {
  try {
    await work()
    return undefined
  } catch (error) {
    return error
  }
}

/** DAMAGE_SEEDS=20 tries more. */
const seeds = Array.from({ length: Number(env.DAMAGE_SEEDS ?? 2) }, (_, k) => k + 1)

test.each(seeds)(
  'whatever bytes are flipped, it gives nothing wrong, or says by a code what it cannot do (seed %i)',
  async (seed) => {
    await fill()
    const bytes = await readFile(path)
    const random = randomOf(seed)
    for (let flips = 1 + random(seed % 2 === 0 ? 40 : 400); flips > 0; flips--) bytes[random(bytes.length)]! ^= 1 << random(8)
    await writeFile(path, bytes)
    await rm(`${path}-wal`, { force: true })
    const values = new Map(expected.map(({ t, v }) => [t, v]))
    const failures: unknown[] = []
    let missing = 0
    const opened = await attempt(async () => {
      const { errors } = await withStore(async (store) => {
        failures.push(
          await attempt(async () => {
            const { t, v } = await store.points({ device: 'a', channel: 'spo2', ...all })
            for (let k = 0; k < t.length; k++) expect(v[k]).toBe(values.get(t[k]!))
            missing = expected.length - t.length
          }),
        )
        for (const question of [
          () => store.gaps(undefined, 0, 1e14),
          () => store.devices(),
          () => store.ledger(),
          () => store.totals(),
        ])
          failures.push(await attempt(question))
        failures.push(await attempt(() => store.open('log', 0)))
        failures.push(await attempt(() => store.write(0, [logged(minuteOf('a', hours * 60 + 1), 1e6)])))
      })
      failures.push(...errors)
    })
    const said = [opened, ...failures].filter((failure) => failure !== undefined)
    for (const failure of said)
      expect(`${(failure as MillraceError).message}`).toMatch(/^STORE_(CORRUPT|DAMAGED|NEWER)\b.*store\.sqlite/)
    expect(missing === 0 || said.length > 0, `${missing} are missing without a word`).toBe(true)
  },
)

test.each([
  ['its mark', 3, 5],
  ['the format of its schema', 47, 1],
  ['its kind', 68, 5],
])('a first page that is damaged (%s) is refused by the code, and without the file it starts again', async (_what, at, bits) => {
  await withStore((store) => store.open('log', 0))
  const bytes = await readFile(path)
  bytes[at]! ^= bits
  await writeFile(path, bytes)
  await expect(withStore((store) => store.open('log', 0))).rejects.toThrow(/^STORE_CORRUPT: .*store\.sqlite.*Move the file away/)
  await rename(path, `${path}.away`)
  expect((await withStore((store) => store.open('log', 0))).errors).toEqual([])
})
