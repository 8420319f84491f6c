import { expect, test } from 'vitest'
import type { Engine } from '../../engine.ts'
import { reading } from '../../schema.ts'
import { influxdb } from './influxdb.ts'

function fluxOf(answer: object[] = []) {
  const asked: string[] = []
  const client = {
    getQueryApi: () => ({
      async collectRows(flux: string) {
        asked.push(flux.replace(/\s+/g, ' '))
        return answer
      },
    }),
  }
  const config = { org: 'o', bucket: 'b"1' }
  return { asked, dialect: influxdb({ client, config } as unknown as Engine) }
}

test('quotes what it is given, and takes both ends of a range', async () => {
  const { asked, dialect } = fluxOf()
  await dialect.rows({
    measurement: reading,
    where: { device: 'a"b' },
    fromUs: 1_790_856_000_000_123,
    toUs: 1_790_856_000_000_123,
  })
  expect(asked[0]).toContain('from(bucket: "b\\"1")')
  expect(asked[0]).toContain('range(start: 2026-10-01T12:00:00.000123Z, stop: 2026-10-01T12:00:00.000124Z)')
  expect(asked[0]).toContain('r["device"] == "a\\"b"')
})

test('reads times to the microsecond', async () => {
  const { dialect } = fluxOf([
    { _time: '2026-10-01T12:00:00Z', device: 'd', value: 1 },
    { _time: '2026-10-01T12:00:00.5Z', device: 'd', value: 2, text: null },
    { _time: '2026-10-01T12:00:00.000123Z', device: 'd', value: 3 },
  ])
  const rows = await dialect.rows({ measurement: reading, where: {}, fromUs: 0, toUs: 1 })
  expect(rows.map(({ us }) => us - 1_790_856_000_000_000)).toEqual([0, 500_000, 123])
  expect(rows[1]!.values).toEqual({ device: 'd', value: 2 })
})
