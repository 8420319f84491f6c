/**
 * Counters through an outage: `node test/failures/counters.ts`
 *
 * A meter on the network says two counts: `energy` is reset now and then, `bytes` goes round at 1000. Its gateway reports by exception.
 * The broker is away for a while, in which the meter is reset once more, and the backlog comes after live readings. At the end both totals
 * are what the meter counted, and rules on their rates have taken neither a reset nor a round for a fall.
 */
import { createServer, type Socket } from 'node:net'
import { readArguments } from '@millrace/platform'
import { installation } from '../support/installation.ts'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- counters' }, {})

const modulus = 1000
const everyMs = 50

class Meter {
  energy = 0
  resets = 0
  /** Over all resets and rounds; and of that what was counted when somebody first heard it. */
  counted = 0
  started = 0
  readonly server = createServer((socket) => this.#listeners.add(socket.on('error', () => socket.destroy())))
  readonly #listeners = new Set<Socket>()
  readonly #timer = setInterval(() => this.#count(1 + Math.floor(Math.random() * 9)), everyMs)

  #count(by: number): void {
    this.counted += by
    this.energy += by
    if (this.#listeners.size > 0) this.started ||= this.counted
    for (const listener of this.#listeners) listener.write(`${this.energy},${this.counted % modulus}\n`)
  }

  reset(): void {
    this.energy = 0
    this.resets++
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const listener of this.#listeners) listener.destroy()
    this.server.close()
  }
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

await program('counters', async (test) => {
  const meter = new Meter()
  test.atEnd(() => meter.stop())
  await new Promise<void>((resolve) => meter.server.listen(0, '127.0.0.1', resolve))
  const { port } = meter.server.address() as { port: number }
  const names = ['energy', 'bytes']
  const columns = [
    { name: 'energy', kind: 'counter', unit: 'W.h', decimals: 0 },
    { name: 'bytes', kind: 'counter', unit: 'By', decimals: 0, modulus, resets: false },
  ]
  const filter = { kind: 'absolute', band: 20, heartbeatMs: 500 }
  const rules = names.map((channel) => ({
    name: `${channel}-falls`,
    channel,
    condition: 'rate',
    per: 'second',
    windowMs: 2000,
    low: 0,
  }))
  const { broker, processor, agent, api } = await installation(test.dir, {
    scenario: { name: 'none', devices: [{ kind: 'contec-cms50', name: 'none', count: 1 }] },
    agent: {
      devices: [
        {
          id: 'meter',
          bus: { kind: 'tcp', host: '127.0.0.1', port },
          decoder: { kind: 'csv-lines', columns },
          filters: { energy: filter, bytes: filter },
        },
      ],
    },
    processor: {
      rules: { rules },
      prepare: { analyses: names.map((name) => ({ name, analysis: 'increase', channels: [name], pauseMs: 2000 })) },
    },
    onUnexpectedEnd: (name, how) => test.check(false, `${name} ended by itself: ${how}`),
  })
  for (const each of [broker, processor, agent]) test.atEnd(() => each.stop())
  const startMs = Date.now()
  await Promise.all([broker.start(), processor.start()])
  await agent.start()
  await pause(5)
  meter.reset()
  await pause(3)
  await broker.stop()
  await pause(4)
  meter.reset()
  await pause(4)
  await broker.start()
  await pause(8)
  meter.stop()
  await pause(2)
  await agent.stop()
  const points = (channel: string) => api.exportPoints('meter', channel, startMs, Date.now())
  await until('everything is settled', async () => (await api.ledger()).balanced, { withinMs: 60_000 })
  for (const name of names) {
    const numbers = async (channel: string) => (await points(channel)).map(({ v }) => Number(v))
    const [own, total, resets, unknown] = await Promise.all(
      [name, ...['total', 'resets', 'unknown'].map((of) => `${name}.${of}`)].map(numbers),
    )
    const counted = total!.at(-1)! - total![0]!
    const expected = meter.counted - meter.started
    test.say(`${name}: ${own!.length} readings kept, ${resets!.at(-1)} resets, ${unknown!.at(-1)} steps unknown`)
    test.check(counted === expected, `${name}: ${counted} counted, ${expected} by the meter`)
    test.check(
      resets!.at(-1) === (name === 'energy' ? meter.resets : 0),
      `${name}: each reset is known, and no round is taken for one`,
    )
    // What came late has taken the outage away; of a reset it is not known what was counted before it.
    test.check(unknown!.at(-1) === resets!.at(-1), `${name}: nothing is unknown but the resets`)
  }
  const alarms = (await api.alarms()).filter(({ rule }) => rule.endsWith('-falls'))
  test.check(
    alarms.length === 0,
    `${alarms.length} alarms of a fall, over ${meter.resets} resets and ${Math.floor(meter.counted / modulus)} rounds`,
  )
  const { balanced, total } = await api.ledger()
  test.check(balanced && total.difference[0] === 0, `the ledger closes: ${JSON.stringify(total)}`)
})
