/**
 * A gateway that was offline for 30 days: `node test/failures/offline.ts [--days 30]`
 *
 * 50 devices, two channels each, a reading every ten seconds, into the agent's outbox on the disk, with time compressed at the
 * source. Then the agent is started on it, with a device that is live, and the link is there: the backlog drains, the first
 * hour is compared value by value with what was produced, the live device stays live, and the agent's memory stays flat.
 */
import { readArguments } from '@millrace/platform'
import type { Api } from 'millrace'
import { agentStatus } from '../support/agent-status.ts'
import { type Installation, installation } from '../support/installation.ts'
import { residentMB } from '../support/process-facts.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { channels, deviceCount, deviceName, everyMs, produce, valueAt } from './offline/past.ts'

const { values } = readArguments({ call: 'npm run break -- offline' }, { days: { type: 'string', default: '30' } })
const days = Number(values.days)
const dayMs = 86_400_000
const hourMs = 3_600_000
/** Apart from what the live device has in the outbox between two receipts. */
const drainedEntries = 200
const residentMBMax = 140
/** With what is not collected yet; an index in memory would take 790 MB for 30 days. */
const heapMBMax = 200

await program('offline', async (test) => {
  const system = await installation(test.dir, {
    scenario: { name: 'offline', distinct: true, devices: [{ kind: 'contec-cms50', name: 'live', count: 1 }] },
    agent: { outbox: { bytesMax: 2 ** 33 } },
    onUnexpectedEnd: (name, how) => test.check(false, `${name} ended by itself: ${how}`),
  })
  const { simulator, broker, processor, agent, agentDir, api } = system
  for (const each of [broker, processor, agent, simulator]) test.atEnd(() => each.stop())
  const fromMs = Math.floor(Date.now() / 60_000) * 60_000 - days * dayMs
  const produced = await produce(agentDir, fromMs, days)
  const { readings, entries, fileBytes, writtenBytes, heapMB, seconds } = produced
  test.say(
    `${days} days offline in ${seconds.toFixed(0)} s: ${readings} readings in ${entries} entries; ${(fileBytes / readings).toFixed(1)} bytes a reading on the disk, ${(writtenBytes / readings).toFixed(1)} written`,
  )
  test.check(heapMB < heapMBMax, `heap of the outbox at most ${heapMB.toFixed(0)} MB, however long; the limit is ${heapMBMax} MB`)

  await Promise.all([simulator.start(), broker.start(), processor.start()])
  const startMs = performance.now()
  await agent.start()
  const live = watchLive(api)
  test.atEnd(live.stop)
  const memory = await drain(test, system, startMs)
  live.stop()
  test.check(memory < residentMBMax, `agent at most ${memory.toFixed(0)} MB resident; the limit is ${residentMBMax} MB`)
  const ages = live.ages.toSorted((a, b) => a - b)
  const share = (part: number) => Math.round(ages[Math.floor(ages.length * part)] ?? Number.NaN)
  test.check(
    share(0.5) < 2000,
    `live while it drains: the newest reading is ${share(0.5)} ms old at the median, ${share(0.95)} ms at 95 %, ${ages.length} looks`,
  )
  await simulator.stop()
  await until('everything is settled', () => isSettled(api), { withinMs: 120_000 })
  await compare(test, api, fromMs)
  const { total, balanced } = await api.ledger()
  test.check(balanced && total.difference[0] === 0, `the ledger closes: ${JSON.stringify(total)}`)
  const far = (await api.ledger()).devices.filter(({ device }) => device.startsWith('far-'))
  const stored = far.reduce((sum, each) => sum + each.stored[0], 0)
  test.check(stored === readings, `${stored} of ${readings} readings of the time offline are stored`)
})

/** Highest resident MB of the agent. */
async function drain(test: Program, { agent, agentDir }: Installation, startMs: number): Promise<number> {
  let highest = 0
  let told = 0
  const left = async () => {
    highest = Math.max(highest, residentMB(agent.pid()!))
    const status = await agentStatus(agentDir)
    if (!status) return false
    if (performance.now() - told > 30_000) {
      told = performance.now()
      test.say(`${status.outbox.entries} entries left; agent ${residentMB(agent.pid()!).toFixed(0)} MB`)
    }
    return status.outbox.entries < drainedEntries
  }
  await until('the backlog is sent', left, { withinMs: 3 * hourMs, everyMs: 250 })
  test.say(`drained ${((performance.now() - startMs) / 1000).toFixed(0)} s after the start of the agent`)
  return highest
}

/** How old the newest reading of the live device is, looked at again and again. */
function watchLive(api: Api): { ages: number[]; stop(): void } {
  const ages: number[] = []
  let isStopped = false
  const look = async () => {
    while (!isStopped) {
      const nowMs = Date.now()
      const points = await api.exportPoints('live-1', 'spo2', nowMs - 10_000, nowMs).catch(() => [])
      const newest = points.at(-1)?.t
      if (newest !== undefined) ages.push(Date.now() - newest)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
  void look()
  return {
    ages,
    stop() {
      isStopped = true
    },
  }
}

async function isSettled(api: Api): Promise<boolean> {
  const { balanced, inFlight, total } = await api.ledger()
  return balanced && inFlight.logRecords === 0 && total.ahead[0] === 0
}

async function compare(test: Program, api: Api, fromMs: number): Promise<void> {
  let compared = 0
  const wrong: string[] = []
  for (let device = 0; device < deviceCount; device++)
    for (const [c, { name }] of channels.entries()) {
      const points = await api.exportPoints(deviceName(device), name, fromMs, fromMs + hourMs - 1)
      const found = new Map(points.map(({ t, v }) => [t, Number(v)]))
      for (let t = fromMs; t < fromMs + hourMs; t += everyMs, compared++) {
        const expected = valueAt(device, c, t)
        if (found.get(t) === expected) continue
        wrong.push(`${deviceName(device)} ${name} ${t}: ${found.get(t)}, not ${expected}`)
      }
      if (points.length !== hourMs / everyMs) wrong.push(`${deviceName(device)} ${name}: ${points.length} points`)
    }
  test.check(
    wrong.length === 0,
    `first hour: ${compared} values are those that were produced${wrong
      .slice(0, 3)
      .map((each) => `; ${each}`)
      .join('')}`,
  )
}
