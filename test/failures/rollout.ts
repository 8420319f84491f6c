/**
 * `npm run break -- rollout [--gateways 20] [--processes 2] [--plant no-rollback | confirm-blind | no-threshold]`
 *
 * Configurations are rolled out to gateways that measure all the time, each behind a link of its own, on a real broker and processor:
 *
 * 1. a bad one, with which the gateway of the first group does not reach the broker any more: it goes back, nobody else gets it;
 * 2. one that is bad for one gateway of the second group: those that have it get back what they ran;
 * 3. a good one, with `kill -9` of the processor in the middle: it goes on and reaches all;
 * 4. another, with `kill -9` of half of the gateways while they try it: each runs the new one confirmed, or the one before.
 *
 * At the end every reading of every gateway is accounted for. With a bug planted it has to fail.
 */
import { readArguments } from '@millrace/platform'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { stringify } from 'yaml'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { openWard, sensorOf } from './rollout/ward.ts'

const { values, refuse } = readArguments(
  { call: 'npm run break -- rollout' },
  {
    gateways: { type: 'string', default: '20' },
    processes: { type: 'string', default: '2' },
    plant: { type: 'string', default: 'none' },
  },
)
const planted = values.plant
if (!['none', 'no-rollback', 'confirm-blind', 'no-threshold'].includes(planted)) refuse(`--plant ${planted}`)
const [count, processes] = [Number(values.gateways), Number(values.processes)]
/** A link that takes 120 ms there and back cannot be made within 100 ms. */
const [slowMs, tooShortMs] = [60, 100]
const confirmMs = 8000

const open = new Set(['asked', 'sent', 'applying', 'returning'])

interface Rollout {
  id: string
  state: string
  why?: string
  gateways: Record<string, { state: string; detail?: string }>
}
interface View {
  node: string
  running: { version: number; hash: string }
  newest?: { state: string }
}

await program('rollout', async (test) => {
  const { check, say, atEnd } = test
  const ward = await openWard(test, { count, processes, confirmMs: planted === 'no-rollback' ? 3_600_000 : confirmMs, planted })
  const { api, nodes, links, broker, processor, hosts } = ward
  for (const one of [broker, processor, ...hosts]) atEnd(() => one.stop())
  await broker.start()
  await processor.start()
  await Promise.all(hosts.map((one) => one.start()))
  const list = () => api.get<View[]>('/api/gateways')
  const configuration = (more: object) => stringify({ devices: [sensorOf(ward.sensorPort, '{node}-sensor')], ...more })
  const begin = (text: string, errorsMax = 1) =>
    api.order<Rollout>('/api/gateways/configure', {
      ...{ by: 'test', reason: 'a test', text, gateways: ['ward/*'], groups: '1,5,rest' },
      errorsMax: planted === 'no-threshold' ? 1000 : errorsMax,
    })
  const read = async (id: string) => (await api.get<Rollout[]>('/api/gateways/rollouts')).find((one) => one.id === id)!
  const ended = (id: string) =>
    until(`roll-out ${id} ends`, async () => isOver(await read(id)), { withinMs: 60_000, everyMs: 500 })
      .catch((error) => check(false, error.message))
      .then(() => read(id))
  const countOf = ({ gateways }: Rollout, ...states: string[]) =>
    Object.values(gateways).filter(({ state }) => states.includes(state)).length
  const alive = () => until('every gateway is heard of again', async () => (await hearsAll()) === count, { withinMs: 60_000 })
  const hearsAll = async () =>
    (await Promise.all(nodes.map((node) => api.get<{ isFresh: boolean }>(`/api/gateways/configuration?node=${node}`)))).filter(
      ({ isFresh }) => isFresh,
    ).length

  await until('all gateways have reported', async () => (await list()).length === count, { withinMs: 60_000 })
  await alive()
  say(`${count} gateways in ${processes} processes`)

  links[0]!.delayMs = slowMs
  const first = await ended((await begin(configuration({ uplink: { connectMsMax: tooShortMs, reconnectMsMax: 1000 } }))).id)
  check(first.state === 'stopped', `a bad one stops in the first group: ${first.state}, ${first.why ?? ''}`)
  check(
    countOf(first, 'rolled-back') === 1 && countOf(first, 'withdrawn') === count - 1,
    `one went back, ${countOf(first, 'withdrawn')} never got it`,
  )
  await alive()
  check(
    (await list()).every(({ running }) => running.version === 0),
    'every gateway runs what it ran before, and is connected',
  )
  links[0]!.delayMs = 0

  links[3]!.delayMs = slowMs
  const second = await ended(
    (await begin(configuration({ commitEveryMs: 150, uplink: { connectMsMax: tooShortMs, reconnectMsMax: 1000 } }))).id,
  )
  check(
    second.state === 'stopped',
    `one that is bad for a gateway of the second group stops there: ${second.why ?? second.state}`,
  )
  check(
    countOf(second, 'confirmed', 'not-returned') === 0,
    `those that had it got back what they ran: ${countOf(second, 'returned')}`,
  )
  check(countOf(second, 'withdrawn') >= count - 6, `the ${count - 6} of the third group never got it`)
  await alive()
  const hashes = new Set(
    (await list()).filter(({ node }) => second.gateways[node]!.state === 'returned').map(({ running }) => running.hash),
  )
  check(
    hashes.size <= 6 && (await list()).every(({ newest }) => newest?.state !== 'applying'),
    'none is trying anything any more',
  )
  links[3]!.delayMs = 0

  const third = await begin(configuration({ commitEveryMs: 120 }))
  await until('it is in the second group', async () => countOf(await read(third.id), 'sent', 'applying', 'asked') > 0, {
    everyMs: 20,
  })
  await processor.kill()
  say('the processor is killed')
  await processor.start()
  const done = await ended(third.id)
  check(
    done.state === 'done' && countOf(done, 'confirmed') === count,
    `a good one reaches all through kill -9 of the processor: ${countOf(done, 'confirmed')}`,
  )
  check(new Set((await list()).map(({ running }) => running.hash)).size === 1, 'all run the same')

  const fourth = await begin(configuration({ commitEveryMs: 130 }), 1000)
  await until(
    'it is in the last group',
    async () => countOf(await read(fourth.id), 'applying') > 0 && countOf(await read(fourth.id), 'confirmed') >= 6,
    {
      withinMs: 60_000,
      everyMs: 20,
    },
  )
  await hosts.at(-1)!.kill()
  say('half of the gateways are killed')
  await hosts.at(-1)!.start()
  const last = await ended(fourth.id)
  check(
    countOf(last, 'confirmed', 'rolled-back') === count,
    `${countOf(last, 'confirmed')} run the new one, ${countOf(last, 'rolled-back')} went back`,
  )
  await alive()
  const before = new Set(
    (await list()).filter(({ node }) => last.gateways[node]!.state !== 'confirmed').map(({ running }) => running.hash),
  )
  const after = new Set(
    (await list()).filter(({ node }) => last.gateways[node]!.state === 'confirmed').map(({ running }) => running.hash),
  )
  check(before.size <= 1 && after.size === 1 && before.isDisjointFrom(after), 'each runs what the cloud says')

  const verdict = await verify(api, [], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))
  const { rows } = await api.ledger()
  check(
    new Set(rows.map(({ device }) => device)).size >= count,
    `the ledger has ${new Set(rows.map(({ device }) => device)).size} devices, and closes`,
  )
})

function isOver({ state, gateways }: Rollout): boolean {
  return state !== 'running' && !Object.values(gateways).some((one) => open.has(one.state))
}
