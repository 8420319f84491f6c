/** Processes that are told to stop while something that they need is frozen or dead. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@millrace/platform/testing/free-port'
import { connectAsync } from 'mqtt'
import { freezeSubscriber } from '../../support/frozen-subscriber.ts'
import { until } from '../../support/until.ts'
import { account, type Frozen, type Installation } from './installation.ts'
import { type Started, startVisit, type Visit } from './visit.ts'

export function createScenes(installation: Installation) {
  const { assignments, broker, dir } = installation
  let visits = 0

  function start(): Started {
    const name = `visitor-${++visits}`
    return startVisit(name, '@millrace/cloud-processor/main', installation.processor(name))
  }

  /** Its configuration was read, and it opens what it needs. */
  const isStarting = (one: Started) => until(`${one.name} starts`, () => existsSync(join(dir, one.name)), { everyMs: 10 })
  const isReady = (one: Started) => one.says(/"processor ready"/)
  const isSharing = (one: Started) => until(`${one.name} shares`, () => assignments.assignmentsOf(one.name).length > 0)

  /** Of three that are sharing, joining and starting. */
  async function processors(frozen: Frozen): Promise<Visit[]> {
    const sharing = start()
    await isSharing(sharing)
    const joining = start()
    await isReady(joining)
    return during(frozen, async () => {
      const starting = start()
      await isStarting(starting)
      return Promise.all([sharing.stop('sharing'), joining.stop('joining'), starting.stop('starting')])
    })
  }

  async function leader(frozen?: Frozen): Promise<Visit[]> {
    const one = start()
    await until(`${one.name} leads`, () => assignments.holder('lead/0')?.startsWith(one.name))
    const stop = async () => [await one.stop('alone, leading')]
    return frozen ? during(frozen, stop) : stop()
  }

  async function agents(): Promise<Visit[]> {
    const agent = (name: string) => startVisit(name, '@millrace/edge-agent/main', installation.agent(name))
    const one = agent('agent')
    await one.says(/"connected to the broker"/)
    return during(broker, async () => {
      const other = agent('agent-2')
      await other.says(/"agent ready"/)
      return Promise.all([one.stop('an agent'), other.stop('an agent that connects')])
    })
  }

  async function brokerOfFrozenSubscriber(): Promise<Visit[]> {
    const port = await freePort()
    const one = startVisit('broker-2', '@millrace/broker/main', installation.brokerConfig('broker-2', port))
    await one.says(/"listening"/)
    const socket = await freezeSubscriber({ port, ...account, clientId: 'frozen', filter: 'load/#' })
    const publisher = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...account, clientId: 'load', reconnectPeriod: 0 })
    publisher.on('error', () => {})
    for (let k = 0; k < 200; k++) publisher.publish('load/a', Buffer.alloc(100_000))
    await new Promise((resolve) => setTimeout(resolve, 500))
    const visit = await one.stop('a broker')
    socket.destroy()
    publisher.end(true)
    return [visit]
  }

  return { start, isReady, isSharing, processors, leader, agents, brokerOfFrozenSubscriber }
}

async function during<T>(frozen: Frozen, call: () => Promise<T>): Promise<T> {
  await frozen.freeze()
  try {
    return await call()
  } finally {
    frozen.resume()
  }
}
