/** The broker to be broken: ours, or Mosquitto with our policy. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { renderMosquitto } from '@millrace/broker/mosquitto'
import { mosquittoProgram } from '../../engines/index.ts'
import { CannotRun } from '../../support/program.ts'
import type { RealProcess } from '../../support/real-process.ts'
import type { Workshop } from './workshop.ts'

export type BrokerKind = 'millrace' | 'mosquitto'

export interface BrokerToBreak {
  broker: RealProcess
  /** Removes what it keeps on disk; it is not running. */
  wipe(): void
}

type User = Parameters<typeof addUser>[1]

/** The system's Mosquitto, or the one that `npm run engines` got. @throws CannotRun */
export async function needBroker(kind: BrokerKind): Promise<void> {
  if (kind === 'mosquitto') await findMosquitto()
}

function findMosquitto(): Promise<string> {
  return mosquittoProgram().catch((error: Error) => {
    throw new CannotRun(error.message)
  })
}

export async function makeBroker(kind: BrokerKind, port: number, users: User[], workshop: Workshop): Promise<BrokerToBreak> {
  const { path, write, start, node } = workshop
  if (kind === 'mosquitto') return mosquittoBroker(port, users, workshop)
  const usersFile = path('broker/users')
  for (const user of users) await addUser(usersFile, user)
  const store = path('broker/sessions.sqlite')
  const config = write('broker.yaml', { listen: { port }, users: usersFile, store: { path: store } })
  return {
    broker: start('broker', node('@millrace/broker/main', ['run', '--config', config], /"listening"/)),
    wipe() {
      for (const file of [store, `${store}-wal`, `${store}-shm`]) rmSync(file, { force: true })
    },
  }
}

async function mosquittoBroker(port: number, users: User[], { path, start }: Workshop): Promise<BrokerToBreak> {
  const folder = path('broker')
  const { config } = await renderMosquitto({ port, dir: folder, users })
  // With persistence there is something to wipe.
  const kept = ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1']
  writeFileSync(config, `${readFileSync(config, 'utf8').replace('persistence false', kept.join('\n'))}`)
  const broker = start('broker', {
    command: await findMosquitto(),
    args: ['-c', config],
    readyWhen: /mosquitto version .* running/,
  })
  return { broker, wipe: () => rmSync(join(folder, 'mosquitto.db'), { force: true }) }
}
