/** Gateways with a sensor and a link of their own each, in a few processes, on a real broker and processor. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
import type { Program } from '../../support/program.ts'
import { type RealProcess, realProcess } from '../../support/real-process.ts'
import { openSlowLink, type SlowLink } from './slow-link.ts'

export interface WardOptions {
  count: number
  processes: number
  confirmMs: number
  planted: string
}

export interface Ward {
  api: Api
  /** `ward/g01` and so on. */
  nodes: string[]
  links: SlowLink[]
  sensorPort: number
  broker: RealProcess
  processor: RealProcess
  hosts: RealProcess[]
}

/** Nothing is started yet. */
export async function openWard(test: Program, options: WardOptions): Promise<Ward> {
  const { dir, check } = test
  const path = (name: string) => join(dir, name)
  const [brokerPort, webPort, sensorPort] = [await freePort(), await freePort(), await openSensor(test)]
  const names = Array.from({ length: options.count }, (_, k) => `g${`${k + 1}`.padStart(2, '0')}`)
  await addUser(path('users'), { name: 'processor', password: 'of the processor', role: 'host', args: ['millrace'] })
  for (const name of names) await addUser(path('users'), { name, password: `of ${name}`, role: 'node', args: [`ward/${name}`] })
  const write = (name: string, content: object) => {
    writeFileSync(path(name), stringify(content), { mode: 0o600 })
    return path(name)
  }
  const brokerFile = write('broker.yaml', { listen: { port: brokerPort }, users: path('users') })
  const bridge = { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: 'of the processor' }
  const processorFile = write('processor.yaml', { dataDir: path('processor'), bridge, web: { port: webPort } })
  const links = await Promise.all(names.map(() => openSlowLink(brokerPort)))
  for (const link of links) test.atEnd(() => link.close())
  const files = names.map((name, k) => {
    mkdirSync(path(name), { mode: 0o700 })
    const uplink = { url: `mqtt://127.0.0.1:${links[k]!.port}`, username: name, password: `of ${name}`, reconnectMsMax: 1000 }
    const own = { group: 'ward', node: name, dataDir: path(name), uplink, remote: { confirmMs: options.confirmMs } }
    return write(`${name}.yaml`, { ...own, devices: [sensorOf(sensorPort, `${name}-sensor`)] })
  })
  const run = (name: string, args: string[], readyWhen: RegExp) =>
    realProcess({
      ...{ name, command: process.execPath, args, readyWhen, logFile: path(`${name}.log`) },
      onUnexpectedEnd: (how) => check(false, `${name} ended by itself: ${how}`),
    })
  const main = (specifier: string) => new URL(import.meta.resolve(specifier)).pathname
  const host = join(import.meta.dirname, 'gateways.ts')
  const each = Math.ceil(files.length / options.processes)
  return {
    api: openApi(`http://127.0.0.1:${webPort}/`),
    nodes: names.map((name) => `ward/${name}`),
    links,
    sensorPort,
    broker: run('broker', [main('@millrace/broker/main'), 'run', '--config', brokerFile], /"listening"/),
    processor: run('processor', [main('@millrace/cloud-processor/main'), 'run', '--config', processorFile], /"processor ready"/),
    hosts: Array.from({ length: options.processes }, (_, k) =>
      run(`gateways-${k + 1}`, [host, options.planted, ...files.slice(k * each, (k + 1) * each)], /"gateways ready"/),
    ),
  }
}

export function sensorOf(port: number, id: string): object {
  const channels = [{ name: 'temperature', unit: 'Cel' }]
  return { id, bus: { kind: 'tcp', host: '127.0.0.1', port }, decoder: { kind: 'json-lines', channels } }
}

/** Five lines a second, to each that connects. */
async function openSensor({ atEnd }: Program): Promise<number> {
  const server = createServer((socket) => {
    const timer = setInterval(() => socket.write(`{"temperature":${20 + Math.round(Math.random() * 50) / 10}}\n`), 200)
    socket.on('error', () => {}).on('close', () => clearInterval(timer))
    atEnd(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => server.close())
  return (server.address() as { port: number }).port
}
