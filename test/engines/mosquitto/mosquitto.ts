/** Mosquitto: MQTT 3.1.1 and 5, with shared subscriptions. Anybody may connect from this machine unless `config` says otherwise. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DebianProgram, findDebian, getDebian } from '../debian.ts'
import type { Engine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersMqtt } from '../health.ts'
import { stablePort } from '../ports.ts'

export interface MosquittoOptions extends StartOptions {
  /** Keep sessions and retained messages over a restart. */
  isPersistent?: boolean
  /** Lines for mosquitto.conf after ours. */
  config?: string[]
}

const debian: DebianProgram = {
  name: 'mosquitto',
  packages: ['mosquitto', 'libmosquitto1', 'libcjson1', 'libdlt2', 'libwrap0'],
  program: '/usr/sbin/mosquitto',
  version: { args: ['-h'], pattern: /mosquitto version (\S+)/ },
}

/** The program, for who starts it with a configuration of their own. @throws Error with the remedy. */
export async function mosquittoProgram(): Promise<string> {
  const found = await findDebian(debian)
  if (!found) throw new Error('Mosquitto is not there. Run: npm run engines -- mosquitto')
  return found.program
}

export const mosquitto: Engine<MosquittoOptions> = {
  name: 'mosquitto',
  what: 'an MQTT 3.1.1 and 5 broker',
  from: 'Debian mosquitto, 1 MB',
  variable: 'ENGINE_MOSQUITTO',
  protocol: 'tcp',
  find: () => findDebian(debian),
  get: (say) => getDebian(debian, say),
  async start({ dir, port, isPersistent, config = [] }) {
    const command = await mosquittoProgram()
    const address = `127.0.0.1:${port ?? (await stablePort())}`
    mkdirSync(dir, { recursive: true })
    const file = join(dir, 'mosquitto.conf')
    const lines = [
      `listener ${address.split(':')[1]} 127.0.0.1`,
      'allow_anonymous true',
      // As root it would become the user mosquitto, who may not write into a test's folder.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      ...(isPersistent ? ['persistence true', `persistence_location ${dir}/`] : []),
      ...config,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const isHealthy = () => answersMqtt(address)
    return startProcess({ name: 'Mosquitto', address, dir, command, args: ['-c', file], isHealthy })
  },
}
