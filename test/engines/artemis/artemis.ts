/** Artemis: an MQTT 3.1.1 and 5 broker with shared subscriptions independent of Mosquitto, which keeps its sessions on disk. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCached } from '../cache.ts'
import type { Engine } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersMqtt } from '../health.ts'
import { frugal, getJars, java } from '../maven.ts'
import { stablePort } from '../ports.ts'

const version = '2.55.0'
const folder = `artemis-${version}`

export const artemis: Engine = {
  name: 'artemis',
  what: 'an MQTT 5 broker with shared subscriptions, unlike Mosquitto in all else',
  from: `Maven org.apache.artemis:artemis-server and artemis-mqtt-protocol:${version}, 18 MB`,
  variable: 'ENGINE_ARTEMIS',
  protocol: 'tcp',
  find: () => findCached(folder),
  get: () =>
    getJars({
      folder,
      artifacts: ['artemis-server', 'artemis-mqtt-protocol'].map((name) => `org.apache.artemis:${name}:${version}`),
      launcher: fileURLToPath(new URL('ArtemisLauncher.java', import.meta.url)),
    }),
  async start({ dir, port }) {
    const found = await findCached(folder)
    if (!found) throw new Error('Artemis is not there. Run: npm run engines -- artemis')
    const address = `127.0.0.1:${port ?? (await stablePort())}`
    const classpath = [join(found.where, 'lib', '*'), join(found.where, 'classes')].join(':')
    const args = [...frugal, '-Xmx256m', '-cp', classpath, 'ArtemisLauncher', dir, address.split(':')[1]!]
    const isHealthy = () => answersMqtt(address)
    return startProcess({ name: 'Artemis', address, dir, command: java(), args, isHealthy })
  },
}
