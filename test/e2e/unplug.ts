/**
 * A device is unplugged and plugged in again: `node test/e2e/unplug.ts`
 *
 * The page's API says that it is offline, and its neighbours and its gateway online; then that it is back. With an outbox that
 * waited in between nothing of it is lost: the death is said when what was measured before is out.
 */
import { readArguments } from '@millrace/platform'
import { closingLine, printVerdict, verify, verifyDefaults } from 'millrace'
import { installation } from '../support/installation.ts'
import { type LogLine, readTopic } from '../support/log-pages.ts'
import { program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- unplug' }, {})

const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n * 1000))

const isDeath = ({ record: { k, device } }: LogLine) => k === 'death' && device === 'bed-1'

await program('unplug', async (test) => {
  const { check, say, atEnd } = test
  const { simulator, broker, processor, agent, api, manifest } = await installation(test.dir, {
    scenario: { name: 'unplug', distinct: true, devices: [{ kind: 'contec-cms50', name: 'bed', count: 2 }] },
    onUnexpectedEnd: (name, how) => check(false, `${name} ended by itself: ${how}`),
  })
  for (const each of [broker, processor, agent, simulator]) atEnd(() => each.stop())
  await Promise.all([simulator.start(), broker.start()])
  await processor.start()
  await agent.start()
  const states = async () => Object.fromEntries((await api.fleet()).map(({ device, state }) => [device, state]))
  const become = (what: string, state: string) =>
    until(what, async () => (await states())['bed-1'] === state && (await states())['bed-2'] === 'online')
  const order = (cmd: 'plug' | 'unplug') => simulator.tell(JSON.stringify({ cmd, device: 'bed-1' }))

  await become('both devices are online', 'online')
  order('unplug')
  const sinceMs = Date.now()
  await become('the unplugged device is offline, its neighbour is not', 'offline')
  check(true, `offline ${((Date.now() - sinceMs) / 1000).toFixed(1)} s after it was unplugged`)
  await seconds(6)
  check((await states())['bed-1'] === 'offline', 'it stays offline')
  const { nodes } = (await (await fetch(new URL('/api/status', api.url))).json()) as { nodes: { online: boolean }[] }
  check(nodes.length === 1 && nodes[0]!.online, 'its gateway is online')
  order('plug')
  await become('it is online again', 'online')

  say('unplugged while the processor is down')
  await processor.kill()
  await seconds(2)
  order('unplug')
  await seconds(7)
  await processor.start()
  // The page takes it for offline until it speaks; the death must be told all the same.
  const deaths = async () => (await readTopic(api, 'timeline')).filter(isDeath).length
  await until('its second death is told', async () => (await deaths()) === 2)
  check((await states())['bed-1'] === 'offline', 'its death is told when the processor is back')
  order('plug')
  await become('it is online again', 'online')
  await seconds(2)
  await simulator.stop()
  const verdict = await verify(api, [manifest], verifyDefaults)
  if (!verdict.isWhole) say(printVerdict(verdict))
  check(verdict.isWhole, closingLine(verdict))
})
