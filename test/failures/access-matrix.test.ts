/**
 * Role × topic × action, by password and by certificate: the same cases on our broker and on Mosquitto with the rendered policy. `npm run break --
 * security` runs them for everybody by both ways.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { policy } from '@millrace/broker/broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mosquittoProgram } from '../engines/mosquitto/mosquitto.ts'
import { openSite, type Running, type Site, startMosquitto, startOurs } from './access-matrix/brokers.ts'
import { holders } from './access-matrix/cases.ts'
import { runMatrix, type Who } from './access-matrix/run.ts'

let dir: string
let site: Site
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-access-'))
  site = await openSite(dir)
})
afterAll(() => rm(dir, { recursive: true }))

async function wrongOn(broker: Running, who: Who = { password: holders, certificate: ['node'] }): Promise<string[]> {
  const { cases, wrong } = await runMatrix(broker, who).finally(() => broker.close())
  console.log(`access matrix: ${cases} cases on ${broker.isMosquitto ? 'Mosquitto' : 'our broker'}, ${wrong.length} wrong`)
  return wrong
}

test('our broker lets each role do what it may, and nothing else', { timeout: 120_000, concurrent: true }, async () => {
  expect(await wrongOn(await startOurs(site))).toEqual([])
})

const mosquitto = await mosquittoProgram().catch((error: Error) => {
  console.log(`skipped: ${error.message}`)
})

test.skipIf(!mosquitto)('so does Mosquitto with the rendered policy', { timeout: 120_000, concurrent: true }, async () => {
  expect(await wrongOn(await startMosquitto(site, mosquitto!))).toEqual([])
})

test('a role that is too wide is seen', { timeout: 120_000 }, async () => {
  policy.device.subscribe.push('plain/#')
  try {
    expect(await wrongOn(await startOurs(site), { password: ['device'] })).toContainEqual(
      expect.stringContaining('device subscribe plain/'),
    )
  } finally {
    policy.device.subscribe.pop()
  }
})
