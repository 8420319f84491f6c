/**
 * At its limits: `node test/failures/limits.ts [--evicted 100000] [--bytes 1500000]`
 *
 * 42 oximeters (5,040 scalar readings and 2,520 samples a second); the processor stopped until the agent has evicted so many
 * readings at the bound of its outbox, then started again. The agent's memory stays under its limit throughout; afterwards
 * each stretch that is missing is a recorded gap, to the reading, and the ledger closes.
 */

import type { StoredGap } from '@millrace/cloud-processor/stores'
import { readArguments } from '@millrace/platform'
import { readManifest } from '@millrace/simulators'
import { type Api, closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { agentMetrics } from '../support/agent-metrics.ts'
import { type Installation, installation } from '../support/installation.ts'
import { cpuSeconds, residentMB } from '../support/process-facts.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { type Eviction, missingStretches, type Series } from './limits/missing.ts'

const { values } = readArguments(
  { call: 'npm run break -- limits' },
  { evicted: { type: 'string', default: '100000' }, bytes: { type: 'string', default: '1500000' } },
)
const evictedMin = Number(values.evicted)

const devices = 42
const residentMax = 120
/** A batch of an oximeter: what it measures between two commits. */
const batchMs = 100
/** From the line to the agent's stamp, on a busy machine. */
const lagMs = 150

await program('limits', async (test) => {
  const system = await installation(test.dir, {
    scenario: { name: 'limits', distinct: true, devices: [{ kind: 'contec-cms50', name: 'oximeter', count: devices }] },
    agent: { outbox: { bytesMax: Number(values.bytes) }, commitEveryMs: batchMs },
    onUnexpectedEnd: (name, how) => test.check(false, `${name} ended by itself: ${how}`),
  })
  const { simulator, broker, processor, agent, api } = system
  for (const each of [broker, processor, agent, simulator]) test.atEnd(() => each.stop())
  await Promise.all([simulator.start(), broker.start(), processor.start()])
  await agent.start()
  const memory = watchMemory(agent.pid()!)
  test.atEnd(memory.stop)

  await until(
    'readings of every device are stored',
    async () => (await api.ledger()).devices.filter(({ stored }) => stored[0] > 1000).length === devices,
  )
  test.say(`agent after start: ${memory.now()} MB resident`)
  await processor.stop()
  test.say('processor stopped')
  await until('the outbox evicts', async () => (await evicted(system)) > 0, { withinMs: 120_000 })
  test.say(`outbox at its bound: ${await outboxBytes(system)} bytes; agent ${memory.now()} MB`)
  await until(`${evictedMin} readings are evicted`, async () => (await evicted(system)) >= evictedMin, { withinMs: 600_000 })
  await processor.start()
  test.say(`processor started again; agent ${memory.now()} MB`)
  await until(
    'the backlog is sent',
    async () => (await agentMetrics(system.agentDir)).get('millrace_outbox_entries')! < 2 * devices,
    {
      withinMs: 120_000,
    },
  )
  const total = await evicted(system)
  await simulator.stop()
  await until('everything is settled', async () => isSettled(api), { withinMs: 60_000 })
  memory.stop()
  test.say(`agent used ${cpuSeconds(agent.pid()!).toFixed(1)} s of CPU`)

  test.check(total >= evictedMin, `${total} readings evicted by policy oldest, at least ${evictedMin} wanted`)
  test.check(memory.highest() < residentMax, `agent at most ${memory.highest()} MB resident; the limit is ${residentMax} MB`)
  await compareLedger(test, api, total)
  await compareGaps(test, system)
  const verdict = await verify(api, [system.manifest], verifyDefaults)
  test.check(verdict.isWhole, `verify: ${closingLine(verdict)}`)
  if (!verdict.isWhole) test.say(printVerdict(verdict))
})

function watchMemory(pid: number) {
  let highest = 0
  const now = () => Math.round(residentMB(pid))
  const timer = setInterval(() => {
    highest = Math.max(highest, now())
  }, 250)
  return { now, highest: () => highest, stop: () => clearInterval(timer) }
}

async function evicted({ agentDir }: Installation): Promise<number> {
  return (await agentMetrics(agentDir)).get('millrace_outbox_readings_evicted_total') ?? 0
}

async function outboxBytes({ agentDir }: Installation): Promise<number> {
  return (await agentMetrics(agentDir)).get('millrace_outbox_bytes') ?? 0
}

async function isSettled(api: Api): Promise<boolean> {
  const { balanced, inFlight, total } = await api.ledger()
  return balanced && inFlight.logRecords === 0 && total.ahead[0] === 0
}

/** What the agent evicted, less what had arrived though its receipt had not, is what the cloud counts as evicted. */
async function compareLedger(test: Program, api: Api, total: number): Promise<void> {
  const { balanced, total: sum, inFlight } = await api.ledger()
  test.say(`ledger: ${JSON.stringify({ ...sum, inFlight })}`)
  test.check(balanced && sum.difference[0] === 0 && sum.difference[1] === 0, 'the ledger closes with a difference of zero')
  test.check(
    sum.evicted[0] <= total && sum.evicted[0] >= evictedMin,
    `the cloud counts ${sum.evicted[0]} of ${total} as evicted; it had ${total - sum.evicted[0]} already`,
  )
}

async function compareGaps(test: Program, { api, manifest: path }: Installation): Promise<void> {
  const manifest = await readManifest(path)
  const all = await api.gaps(manifest.startedMs - 1000, Date.now() + 60_000)
  let [stretches, readings, worstMs] = [0, 0, 0]
  const wrong: string[] = []
  for (const { device } of manifest.devices) {
    const gaps = all.filter((gap) => gap.device === device && gap.reason === 'evicted').toSorted((a, b) => a.fromMs - b.fromMs)
    for (const channel of ['spo2', 'pulse_rate']) {
      const produced = manifest.scalars.get(device)!.get(channel)!
      const stored = await storedOf(api, device, channel)
      try {
        for (const [k, missing] of missingStretches(produced, stored, gaps.map(evictionOf)).entries()) {
          stretches++
          readings += missing.count
          worstMs = Math.max(worstMs, Math.abs(missing.fromMs - gaps[k]!.fromMs), Math.abs(missing.toMs - gaps[k]!.toMs!))
        }
      } catch (error) {
        wrong.push(`${device} ${channel}: ${error instanceof Error ? error.message : error}`)
      }
    }
  }
  for (const each of wrong.slice(0, 5)) test.say(each)
  test.check(wrong.length === 0, `every run of values between gaps is the one produced there (${wrong.length} channels are not)`)
  const { total } = await api.ledger()
  test.check(
    readings === total.evicted[0],
    `${readings} readings are missing in ${stretches} stretches; evicted in the ledger: ${total.evicted[0]}`,
  )
  test.check(worstMs <= batchMs + lagMs, `the bounds of gaps and missing stretches differ by at most ${Math.round(worstMs)} ms`)
}

/** The two scalar channels of an oximeter come and go together. */
function evictionOf({ fromMs, toMs, lost }: StoredGap): Eviction {
  if (toMs === undefined || !lost) throw new Error('a gap without an end or a count')
  return { fromMs, toMs, lost: lost[0] / 2 }
}

async function storedOf(api: Api, device: string, channel: string): Promise<Series> {
  const points = await api.exportPoints(device, channel, 0, Date.now() + 60_000)
  return { t: points.map(({ t }) => t), v: points.map(({ v }) => v) }
}
