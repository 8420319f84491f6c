/**
 * The link of the simulated ward is cut: people are told once. `node test/failures/link-cut.ts`
 *
 *   simulator ─► agent ─► link ─► broker ─► processor ─► webhook
 *
 * Once as a router cuts it that knows (the broker tells the gateway's death at once), once as a lost radio link does (nobody tells
 * anything for 15 s). During the second cut a bed is unplugged: when the link is back it stays silent, and is told of.
 */
import type { AlarmRecord } from '@millrace/contract'
import { readArguments } from '@millrace/platform'
import { type Link, loadScenario, openLink, scenarioPath } from '@millrace/simulators'
import { installation } from '../support/installation.ts'
import { readTopic } from '../support/log-pages.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { openWebhookReceiver } from '../support/webhook-receiver.ts'

readArguments({ call: 'npm run break -- link-cut' }, {})

const beds = 6
const cutS = 20
const noSpo2 = { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 10_000, priority: 'low' }
const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n * 1000))

await program('link-cut', async (test) => {
  const { check, say } = test
  const { link, receiver, simulator, api } = await startWard(test)
  const told = () => receiver.deliveries.filter(({ status }) => status === 'firing').map(({ key }) => key.split('/')[0])
  const changes = async () =>
    (await readTopic(api, 'alarms')).flatMap(({ record }) => (record.k === 'alarm' ? [record as unknown as AlarmRecord] : []))
  const suppressed = async () => (await changes()).filter(({ change }) => change === 'suppressed').length
  const ended = () => receiver.deliveries.filter(({ status }) => status === 'resolved').length

  for (const [round, how] of (['reset', 'silent'] as const).entries()) {
    say(`the link is cut: ${how}`)
    link.cut(how)
    const unplug = round === 1
    if (unplug) simulator.tell(JSON.stringify({ cmd: 'unplug', device: 'bed-1' }))
    await seconds(cutS)
    say(`people were told of: ${told().join(', ')}`)
    check(
      told().length === round + 1 && told().every((rule) => rule === 'gateway-link'),
      'people were told of one alarm for the cut',
    )
    check((await suppressed()) === beds * (round + 1), `${beds} alarms of missing data are recorded as suppressed`)
    link.mend()
    await until('its end is told', () => ended() === round + 1)
    await seconds(3)
  }
  await until('the bed that stays silent is told of', () => told().length === 3)
  check(told()[2] === 'no-spo2', 'when the link is back, the bed that stays silent is told of, and no other')
  await seconds(3)
  check(told().length === 3, 'nobody is told of anything else')
})

async function startWard({ dir, check, atEnd }: Program) {
  const receiver = await openWebhookReceiver()
  atEnd(receiver.close)
  let link: Link | undefined
  const { name, devices } = loadScenario(scenarioPath('ward'))
  const ward = await installation(dir, {
    scenario: { name, devices },
    processor: { rules: { rules: [noSpo2] }, notifier: { to: [{ kind: 'webhook', url: receiver.url }] } },
    through: async (port) => {
      link = await openLink({ host: '127.0.0.1', port })
      return link.port
    },
    onUnexpectedEnd: (program, how) => check(false, `${program} ended by itself: ${how}`),
  })
  const { simulator, broker, processor, agent, api } = ward
  atEnd(() => link!.close())
  for (const each of [broker, processor, agent, simulator]) atEnd(() => each.stop())
  await Promise.all([simulator.start(), broker.start()])
  await processor.start()
  await agent.start()
  const areOnline = async () => (await api.fleet()).filter(({ state }) => state === 'online').length === beds + 2
  await until('every device is online', areOnline, { withinMs: 60_000 })
  await seconds(3)
  return { ...ward, link: link!, receiver }
}
