/**
 * What processors need around them: Kafka, a store, a broker, one processor that stays, and devices that say something all the
 * time, so that every stage has something in flight.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { createMetrics, silentLog } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { stringify } from 'yaml'
import type { RunningEngine } from '../../engines/index.ts'
import { startEngines } from '../../support/cluster-engines.ts'
import type { Program } from '../../support/program.ts'
import { realProcess } from '../../support/real-process.ts'
import { type Assignments, watchAssignments } from '../takeover/assignments.ts'
import { openFleet } from '../takeover/fleet.ts'

const partitions = 4
const devices = 20
export const account = { username: 'fleet', password: 'fleet-password' }

export interface Frozen {
  freeze(): unknown
  resume(): void
}

export interface Installation {
  dir: string
  assignments: Assignments
  kafka: RunningEngine
  store: RunningEngine
  broker: Frozen
  resident: { stop(): Promise<string> }
  /** Path of a processor's configuration. */
  processor(name: string): string
  agent(name: string): string
  /** Of another broker than the one that all use. */
  brokerConfig(name: string, port: number): string
}

export async function openInstallation(program: Program): Promise<Installation> {
  const { dir, atEnd } = program
  const engines = await startEngines(program, { partitions })
  const port = await freePort()
  mkdirSync(join(dir, 'logs'))
  const users = join(dir, 'users')
  await addUser(users, { name: account.username, password: account.password, role: 'admin', args: [] })
  await addUser(users, { name: 'processor', password: 'processor', role: 'admin', args: [] })
  const url = `mqtt://127.0.0.1:${port}`

  const broker = make('broker', '@millrace/broker/main', brokerConfig('broker', port), /"listening"/)
  const resident = make('resident', '@millrace/cloud-processor/main', processor('resident'), /"processor ready"/)
  await Promise.all([broker.start(), resident.start()])
  const { brokers } = engines.config.log
  const eye = await openKafkaLog({ brokers, partitions, replicas: 1 }, { log: silentLog, metrics: createMetrics() })
  atEnd(() => eye.close())
  const fleet = await openFleet(url, account, devices)
  atEnd(fleet.close)
  await fleet.fill(1)
  const talking = setInterval(() => {
    for (const device of fleet.devices) fleet.send(device, Math.round(performance.now()) % 100)
  }, 200)
  atEnd(() => clearInterval(talking))
  const frozenBroker = { freeze: () => broker.pause(), resume: () => broker.resume() }
  const { kafka, store } = engines
  return { dir, assignments: watchAssignments(eye), kafka, store, broker: frozenBroker, resident, processor, agent, brokerConfig }

  function make(name: string, specifier: string, file: string, readyWhen: RegExp) {
    const one = realProcess({
      name,
      ...commandOf(specifier, file),
      readyWhen,
      logFile: join(dir, 'logs', `${name}.log`),
      onUnexpectedEnd: (how) => program.check(false, `${name} ended by itself: ${how}`),
    })
    atEnd(() => one.stop())
    return one
  }

  function write(name: string, config: object): string {
    const file = join(dir, `${name}.yaml`)
    writeFileSync(file, stringify(config))
    return file
  }

  function brokerConfig(name: string, port: number): string {
    return write(name, { listen: { port }, users })
  }

  function processor(name: string): string {
    return write(name, {
      name,
      dataDir: join(dir, name),
      stages: ['bridge', 'prepare', 'rules', 'notifier', 'store'],
      bridge: { url, username: 'processor', password: 'processor', host: 'millrace', plain: ['plain/#'] },
      ...engines.config,
      notifier: { to: [{ kind: 'log' }] },
    })
  }

  function agent(name: string): string {
    return write(name, {
      group: 'stop',
      node: name,
      host: 'millrace',
      dataDir: join(dir, name),
      uplink: { url, ...account },
      devices: [{ id: `${name}-gps`, bus: { kind: 'tcp', host: '127.0.0.1', port: 9 }, decoder: { kind: 'nmea-0183' } }],
    })
  }
}

export function commandOf(specifier: string, file: string): { command: string; args: string[] } {
  return { command: process.execPath, args: [fileURLToPath(import.meta.resolve(specifier)), 'run', '--config', file] }
}
