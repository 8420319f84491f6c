/**
 * Two identical devices, unplugged and plugged in again, one or both, each time as another /dev/pts/N behind a stable name:
 * `npm run break -- hot-plug [--swaps 200] [--seed 1]`
 *
 * Pseudo-terminals are shared by all programs of a machine: another agent whose simulator was killed may follow its old link to one of
 * ours, and hold it. On a machine with others, run it with a devpts of its own (`unshare --mount`, `mount -t devpts -o newinstance`).
 *
 * Each is read again within two seconds, and its status says in between that it is unplugged. At the end every reading that was
 * produced is in the store under its own device, or lies in a gap of an unplug.
 */
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { run } from '../engines/command.ts'
import { agentStatus } from '../support/agent-status.ts'
import { installation } from '../support/installation.ts'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'

const { values } = readArguments(
  { call: 'npm run break -- hot-plug' },
  { swaps: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
)
const swaps = Number(values.swaps)
const recoveryMsMax = 2000
/** Of a line that is neither read nor written, an unplug is noticed within half a second. */
const awayMsMin = 600
const awayMsMax = 1500
const beds = ['bed-1', 'bed-2']

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Below 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

await program('hot-plug', async ({ dir, check, say, atEnd }) => {
  const { simulator, broker, processor, agent, api, manifest, agentDir } = await installation(dir, {
    scenario: { name: 'hot-plug', distinct: true, devices: [{ kind: 'contec-cms50', name: 'bed', count: 2 }] },
    onUnexpectedEnd: (name, how) => check(false, `${name} ended by itself: ${how}`),
  })
  for (const each of [broker, processor, agent, simulator]) atEnd(() => each.stop())
  await Promise.all([simulator.start(), broker.start()])
  await processor.start()
  await agent.start()
  const random = randomOf(Number(values.seed))
  const order = (cmd: 'plug' | 'unplug', device: string) => simulator.tell(JSON.stringify({ cmd, device }))
  const device = async (name: string) => (await agentStatus(agentDir))?.devices[name]
  const isRead = async (name: string, sinceMs: number) => {
    const state = await device(name)
    return state?.state === 'open' && state.lastBytesMs > sinceMs
  }
  const often = { withinMs: 20_000, everyMs: 10 }
  for (const name of beds) await until(`${name} is read`, () => isRead(name, 0), often)

  const recoveries: number[] = []
  let missed = 0
  for (let swap = 0; swap < swaps; swap++) {
    const victims = beds.filter((_, at) => random() < 0.6 || at === swap % 2)
    for (const name of victims) order('unplug', name)
    await pause(awayMsMin + random() * awayMsMax)
    for (const name of victims) if ((await device(name))?.state !== 'unplugged') missed++
    const pluggedMs = Date.now()
    for (const name of victims.reverse()) order('plug', name)
    for (const name of victims) {
      await until(`${name} is read again`, () => isRead(name, pluggedMs), often)
      const tookMs = Date.now() - pluggedMs
      if (tookMs >= recoveryMsMax) say(`swap ${swap}: ${name} was read ${tookMs} ms after it was plugged in`)
      recoveries.push(tookMs)
    }
  }
  recoveries.sort((a, b) => a - b)
  const slowest = recoveries.at(-1)!
  const median = recoveries[recoveries.length >> 1]!
  check(
    slowest < recoveryMsMax,
    `${recoveries.length} unplugs in ${swaps} swaps: read again after ${median} ms, at most ${slowest} ms`,
  )
  check(missed === 0, `in between the status says unplugged; ${missed} times it did not`)

  await pause(2000)
  await simulator.stop()
  await pause(1000)
  const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
  const traced = await run(process.execPath, [cli, 'trace', 'bed-1', '--url', api.url])
  check(/^durable .*\n^accepted .*\n^stored .* (\d+) of \1$/m.test(traced), `a batch can be traced:\n${traced}`)
  const verdict = await verify(api, [manifest], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))
})
