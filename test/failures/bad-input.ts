/**
 * Bad input of every kind against the whole length, while ten healthy devices go on: each is refused or rejected with its
 * reason and counted, memory stays where it was, at least 99 % of the healthy readings are on time, nothing crashes. Then:
 * after a fix, replaying what was rejected makes everything whole, and a second replay changes nothing.
 *
 *     node test/failures/bad-input.ts [--quick] [--seed n] [--only <part of a name>] [--burst]
 *
 * `--burst` sends 36 MB of rubbish as fast as the broker takes it, which is more than these bounds allow for.
 *
 * On time: a reading that a device put on its line was on the live page within one second of its own time.
 * Memory: the highest resident size of broker and of processor during the attacks, against the highest before them, after
 * every kind of attack came once or twice without being measured; such a first round brings what any traffic brings,
 * compiled code and buffers.
 */
import { readArguments } from '@millrace/platform'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import type { Attack, Field, Finding } from './bad-input/attack.ts'
import { borderAttacks } from './bad-input/border-attacks.ts'
import { plainAttacks } from './bad-input/plain-attacks.ts'
import { replayRejected, wrongPrepare } from './bad-input/replay.ts'
import { bear, sparkplugAttacks } from './bad-input/sparkplug-attacks.ts'
import { type System, startSystem } from './bad-input/system.ts'
import { allowedMs, watchLive, watchMemory } from './bad-input/watch.ts'
import { webAttacks } from './bad-input/web-attacks.ts'

const { values: given } = readArguments(
  { call: 'npm run break -- bad-input' },
  {
    quick: { type: 'boolean', default: false },
    burst: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
)
const seed = Number(given.seed ?? Math.floor(Math.random() * 2 ** 31))
const onTimeMin = 0.99
const memoryMBMax = 32
const attacks = [...sparkplugAttacks, ...plainAttacks, ...borderAttacks, ...webAttacks].filter(({ name }) =>
  name.includes(given.only),
)

await program('bad-input', async (context) => {
  context.say(`seed ${seed}`)
  const system = await startSystem(context, wrongPrepare)
  const live = await watchLive(system.api.url)
  context.atEnd(live.close)
  await until('every device is read', async () => {
    const stored = Object.keys((await system.api.ledger()).stored)
    return system.healthy.every((device) => stored.includes(device))
  })
  const field: Field = { system, random: randomFrom(seed), isQuick: given.quick, isBurst: given.burst }
  await bear(field)
  await attackAll(context, field, live)
  await closeHealthy(context, system)
  await replayRejected(context, system, given.quick ? 40 : 300)
  context.check(system.deaths.length === 0, `nothing ended by itself${system.deaths.map((death) => `; ${death}`).join('')}`)
})

async function attackAll(context: Program, field: Field, live: Awaited<ReturnType<typeof watchLive>>): Promise<void> {
  const { system } = field
  const { processes } = system
  const pids = () => Object.fromEntries(Object.entries(processes).map(([name, process]) => [name, process.pid() ?? 0]))
  const pidsBefore = pids()
  const memory = watchMemory({ broker: pidsBefore.broker!, processor: pidsBefore.processor! })
  context.say(
    `one round that is not measured; resident before it, MB: ${JSON.stringify(memory.mark(), (_, v) => (typeof v === 'number' ? Math.round(v) : v))}`,
  )
  for (const attack of attacks) await attack.run({ ...field, isQuick: true })
  memory.mark()
  const quietS = Math.ceil(Date.now() / 1000)
  await new Promise((resolve) => setTimeout(resolve, 6000))
  const before = memory.mark()

  const fromS = Math.ceil(Date.now() / 1000)
  const results: { attack: Attack; finding: Finding }[] = []
  for (const attack of attacks) {
    const finding = await attack.run(field).catch((error): Finding => ({ isHeld: false, outcome: `${error}`, counter: '' }))
    results.push({ attack, finding })
  }
  const toS = Math.floor(Date.now() / 1000)
  const during = memory.mark()
  memory.stop()
  await new Promise((resolve) => setTimeout(resolve, 3000))

  for (const { finding } of results) {
    const confirmed = await finding.confirm?.()
    if (!confirmed) continue
    finding.isHeld &&= confirmed.isHeld
    finding.outcome += `, ${confirmed.outcome}`
  }
  print(results)
  for (const { attack, finding } of results) if (!finding.isHeld) context.check(false, `${attack.name}: ${finding.outcome}`)
  context.check(
    true,
    `${results.filter(({ finding }) => finding.isHeld).length} of ${results.length} attacks were refused or rejected and counted`,
  )
  for (const name of ['broker', 'processor'])
    context.check(
      during[name]! - before[name]! <= memoryMBMax,
      `${name}: at most ${before[name]!.toFixed(1)} MB before, ${during[name]!.toFixed(1)} MB during the attacks`,
    )
  const quiet = await live.timeliness(system.manifest, quietS, fromS - 1)
  context.say(`${percent(quiet)} live within ${allowedMs} ms in the quiet before the attacks`)
  const { produced, onTime, worstMs } = await live.timeliness(system.manifest, fromS, toS)
  context.check(
    produced > 0 && onTime >= onTimeMin * produced,
    `${percent({ produced, onTime })} live within ${allowedMs} ms during the attacks, ${toS - fromS} s; the slowest took ${worstMs} ms`,
  )
  context.check(JSON.stringify(pids()) === JSON.stringify(pidsBefore), `the same processes run: ${JSON.stringify(pids())}`)
}

function percent({ produced, onTime }: { produced: number; onTime: number }): string {
  return `${((100 * onTime) / Math.max(1, produced)).toFixed(2)} % of ${produced} healthy readings`
}

/** Stops the devices, and the agent once it has handed everything over. */
async function closeHealthy({ check, say }: Program, system: System): Promise<void> {
  const { api, processes, healthy } = system
  await processes.simulator.stop()
  const verdict = await verify(api, [system.manifest], verifyDefaults)
  check(verdict.isWhole, `verify: ${closingLine(verdict)}`)
  if (!verdict.isWhole) say(printVerdict(verdict))
  const { devices } = await api.ledger()
  const own = devices.filter(({ device }) => healthy.includes(device))
  const [read, rejected] = [0, 1].map((k) => own.reduce((sum, one) => sum + (k === 0 ? one.read : one.rejected)[0], 0))
  check(
    own.length === healthy.length && own.every(({ balanced }) => balanced),
    `the ledger of ${own.length} healthy devices closes: ${read} read, ${rejected} rejected`,
  )
  await processes.agent.stop()
}

function print(results: { attack: Attack; finding: Finding }[]): void {
  const cut = (text: string, width: number) => text.replaceAll(/\s+/g, ' ').slice(0, width).padEnd(width)
  console.log(`\n${cut('attack', 38)} ${cut('sent', 58)} ${cut('outcome', 74)} counter`)
  for (const { attack, finding } of results)
    console.log(
      `${cut(attack.name, 38)} ${cut(attack.sends, 58)} ${cut((finding.isHeld ? '' : 'FAILED ') + finding.outcome, 74)} ${finding.counter}`,
    )
  console.log('')
}

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
