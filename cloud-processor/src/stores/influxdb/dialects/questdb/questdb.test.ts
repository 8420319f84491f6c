import { expect, test } from 'vitest'
import type { Engine } from '../../engine.ts'
import { HttpFailure } from '../../engine.ts'
import { event, reading } from '../../schema.ts'
import { questdb } from './questdb.ts'

/** The SQL that it would ask. */
async function asked(
  ask: (dialect: ReturnType<typeof questdb>) => Promise<unknown>,
  answer = { columns: [], dataset: [] } as object,
) {
  const sql: string[] = []
  const request = async (_: string, path: string) => {
    sql.push(new URL(path, 'http://x').searchParams.get('query')!.replace(/\s+/g, ' '))
    return JSON.stringify(answer)
  }
  await ask(questdb({ request } as unknown as Engine))
  return sql
}

test('quotes what it is given', async () => {
  const query = { measurement: reading, where: { device: "o'clock" }, fromUs: 1, toUs: 2, limit: 3 }
  const [sql] = await asked((dialect) => dialect.rows(query))
  expect(sql).toContain(`WHERE "device" = 'o''clock' AND time >= 1 AND time <= 2 ORDER BY time LIMIT 3`)
})

test('asks for the newest when so many of them are wanted', async () => {
  const query = { measurement: event, where: {}, fromUs: 1, toUs: 2, newestFirst: 5 }
  expect((await asked((dialect) => dialect.rows(query)))[0]).toMatch(/LIMIT -5$/)
})

test('takes a bad request as refused for good, and everything else as not now', () => {
  const { isRefusal } = questdb({} as Engine)
  expect([400, 413, 422, 401, 404, 429, 500, 503].map((status) => isRefusal(new HttpFailure(status, '')))).toEqual([
    ...[true, true, true],
    ...[false, false, false, false, false],
  ])
})
