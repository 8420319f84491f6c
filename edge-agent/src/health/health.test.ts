import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, onTestFinished, test } from 'vitest'
import type { AgentStatus } from '../agent.ts'
import { agentSchema, checkDevices } from '../config.ts'
import { openEngines } from '../engines.ts'
import { createHealth } from './health.ts'

const status = (): AgentStatus => ({
  node: 'a/b',
  devices: {},
  outbox: { bytes: 25, bytesMax: 100, entries: 7 },
  uplink: { connected: true },
})

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-health-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

/** Two measurements; the value of each channel in the last. */
function measure(config: object): Record<string, number> {
  let tick = () => {}
  const clock = { ...systemClock, after: (_ms: number, call: () => void) => (tick = call) }
  const checked = agentSchema.parse({ node: 'g', health: { everyMs: 1000 }, ...config })
  const health = createHealth(checked, { clock, given: [], status })
  health.start()
  const busyUntilMs = performance.now() + 30
  while (performance.now() < busyUntilMs);
  tick()
  const { columns, counts } = health.drain()[0]!
  expect(counts.rejected).toEqual([0, 0])
  return Object.fromEntries(Object.entries(columns.channels).map(([name, { v }]) => [name, Number(v.at(-1))]))
}

test('the gateway is a device: processor, memory, disk, link and outbox are its channels', () => {
  const values = measure({ dataDir: folder() })
  expect(values).toMatchObject({ link: 1, spool: 25, spool_batches: 7 })
  for (const name of ['cpu', 'agent_cpu', 'memory_free', 'disk_free'])
    expect(values[name], name).toSatisfy((percent: number) => percent >= 0 && percent <= 100)
  expect(values.agent_cpu).toBeGreaterThan(0)
  expect(values.agent_memory).toBeGreaterThan(20)
})

test('a certificate of the agent counts its days', () => {
  const dir = folder()
  const [keyFile, certFile] = [join(dir, 'key'), join(dir, 'crt')]
  const subject = ['-subj', '/CN=g', '-days', '30', '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject], {
    stdio: 'ignore',
  })
  expect(measure({ dataDir: dir, uplink: { certFile, keyFile } }).certificate_days).toBeCloseTo(30, 0)
})

test('it is off unless it is asked for, and its name is its own', () => {
  const devicesOf = (config: object) => {
    const checked = agentSchema.parse({ dataDir: folder(), node: 'g', ...config })
    const engines = openEngines(checked, { clock: systemClock, log: silentLog, metrics: createMetrics() })
    return engines.devices(() => [], status, engines.clock).map(({ id }) => id)
  }
  expect(devicesOf({})).toEqual([])
  expect(devicesOf({ health: { everyMs: 1000 } })).toEqual(['g-gateway'])
  const twice = {
    node: 'g',
    health: { everyMs: 1000, device: 'x' },
    devices: [{ id: 'x', bus: { kind: 'file' }, decoder: { kind: 'nmea-0183' } }],
  }
  expect(() => checkDevices(agentSchema.parse(twice))).toThrow('two devices are called x')
})
