import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, type Log, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { startAgent } from './agent.ts'
import { agentSchema } from './config.ts'
import { openEngines } from './engines.ts'

test('an agent that is told to stop stops every part, and another can start where it was', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-'))
  const problems: string[] = []
  const log: Log = { info() {}, warn() {}, error: (message, fields) => void problems.push(`${message} ${fields?.part}`) }
  const config = agentSchema.parse({ dataDir, uplink: { url: 'mqtt://127.0.0.1:1' } })
  for (let start = 0; start < 2; start++) {
    const agent = await startAgent(config, openEngines(config, { clock: systemClock, log, metrics: createMetrics() }))
    await agent.stop().catch((error) => problems.push(`${error}`))
  }
  expect(problems).toEqual([])
  rmSync(dataDir, { recursive: true })
})

test('an agent starts that measures its own gateway', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-'))
  const log: Log = { info() {}, warn() {}, error() {} }
  const config = agentSchema.parse({ dataDir, health: { everyMs: 1000 }, uplink: { url: 'mqtt://127.0.0.1:1' } })
  const agent = await startAgent(config, openEngines(config, { clock: systemClock, log, metrics: createMetrics() }))
  expect(Object.keys(agent.status().devices)).toEqual(['edge-1-gateway'])
  await agent.stop()
  rmSync(dataDir, { recursive: true })
})
