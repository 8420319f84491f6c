/** The access matrix, against a process of our broker and a real Mosquitto with the rendered policy: role × topic × action, by password and by certificate. */
import { freePort } from '@millrace/platform/testing/free-port'
import { mosquittoProgram } from '../../engines/mosquitto/mosquitto.ts'
import { serviceIn } from '../../support/service.ts'
import { openSite, oursAt, oursConfig, startMosquitto } from '../access-matrix/brokers.ts'
import { publishKinds } from '../access-matrix/cases.ts'
import { runMatrix, type UnderTest } from '../access-matrix/run.ts'
import { folderIn, mains } from './scene.ts'
import { anyOf, type Check, clauses, type Group } from './sheet.ts'

const least = 1000
const actions = new Map<string, string>([
  ['publish', 'messages'],
  ['retained', 'retained messages'],
  ['will', 'wills'],
  ['subscribe', 'subscriptions'],
])

export const matrixGroup: Group = {
  name: 'access matrix',
  async run({ test, dir }, check) {
    const site = await openSite(folderIn(dir, 'matrix'))
    const port = await freePort()
    const config = { ...(await oursConfig(site)), listen: { port } }
    const broker = serviceIn(test)('matrix-broker', mains.broker, config, /"listening"/)
    await broker.start()
    const program = await mosquittoProgram().catch((error: Error) => test.say(`without Mosquitto: ${error.message}`))
    const mosquitto = program && (await startMosquitto(site, program))
    if (mosquitto) test.atEnd(() => mosquitto.close())
    await Promise.all([tried('our broker', oursAt(site, port), check), mosquitto && tried('Mosquitto', mosquitto, check)])
  },
}

async function tried(name: string, broker: UnderTest, check: Check): Promise<void> {
  const { cases, wrong } = await runMatrix(broker)
  check(clauses.mqttRights, `${name}: ${cases} cases were tried`, cases < least && `fewer than ${least}`)
  for (const way of Object.keys(broker.ways))
    for (const [action, what] of actions) {
      const own = wrong.filter((text) => new RegExp(`^${way} \\w+ ${action} `).test(text))
      check(clauses.mqttRights, `${name}, ${way}: ${what}`, anyOf(own))
    }
  const isNamed = (text: string) => [...publishKinds, 'subscribe'].some((action) => text.includes(` ${action} `))
  check(clauses.mqttRights, `${name}: nothing else was wrong`, anyOf(wrong.filter((text) => !isNamed(text))))
}
