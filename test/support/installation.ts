/**
 * Simulator, one agent, broker and processor as real processes on loopback, each of which the test starts and stops.
 *
 *   simulator ─ pseudo-terminals ─► agent ──► broker ──► processor
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { agentDevices, loadScenario } from '@millrace/simulators'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
import { freePort } from './free-port.ts'
import { type RealProcess, realProcess } from './real-process.ts'

export interface Installation {
  simulator: RealProcess
  agent: RealProcess
  broker: RealProcess
  processor: RealProcess
  api: Api
  /** What the simulator produced. */
  manifest: string
  agentDir: string
}

export interface InstallationOptions {
  scenario: object
  /** More of the agent's configuration. */
  agent?: object
  onUnexpectedEnd: (name: string, how: string) => void
}

const file = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))
const program = (specifier: string) => [process.execPath, file(specifier)]

/** Nothing is started yet. */
export async function installation(dir: string, options: InstallationOptions): Promise<Installation> {
  const path = (name: string) => join(dir, name)
  for (const part of ['ports', 'logs', 'agent', 'processor']) mkdirSync(path(part))
  const password = { node: randomBytes(18).toString('base64url'), host: randomBytes(18).toString('base64url') }
  const [brokerPort, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${brokerPort}`
  const identity = { group: 'test', node: 'gateway', host: 'millrace' }
  await addUser(path('users'), { name: 'gateway', password: password.node, role: 'node', args: ['test/gateway'] })
  await addUser(path('users'), { name: 'processor', password: password.host, role: 'host', args: ['millrace'] })

  const write = (name: string, content: object) => {
    writeFileSync(path(name), stringify(content), { mode: 0o600 })
    return path(name)
  }
  const run = (name: string, [command, ...args]: string[], readyWhen: RegExp) =>
    realProcess({
      name,
      command: command!,
      args,
      readyWhen,
      logFile: path(`logs/${name}.log`),
      onUnexpectedEnd: (how) => options.onUnexpectedEnd(name, how),
    })
  const service = (name: string, command: string[], config: object, readyWhen: RegExp) =>
    run(name, [...command, 'run', '--config', write(`${name}.yaml`, config)], readyWhen)

  const scenario = write('scenario.yaml', options.scenario)
  const manifest = path('manifest.jsonl')
  const simulation = ['run', scenario, '--ports', path('ports'), '--manifest', manifest, '--control']
  return {
    simulator: run('simulator', [...program('@millrace/simulators/main'), ...simulation], /"ready"/),
    broker: service(
      'broker',
      program('@millrace/broker/main'),
      { listen: { port: brokerPort }, users: path('users') },
      /"listening"/,
    ),
    processor: service(
      'processor',
      program('@millrace/cloud-processor/main'),
      {
        dataDir: path('processor'),
        bridge: { url, username: 'processor', password: password.host, host: identity.host },
        web: { port: webPort },
      },
      /"processor ready"/,
    ),
    agent: service(
      'agent',
      [file('@millrace/edge-agent/command')],
      {
        ...identity,
        dataDir: path('agent'),
        uplink: { url, username: 'gateway', password: password.node, reconnectMsMax: 1000 },
        devices: agentDevices(loadScenario(scenario), path('ports')),
        ...options.agent,
      },
      /"agent ready"/,
    ),
    api: openApi(`http://127.0.0.1:${webPort}/`),
    manifest,
    agentDir: path('agent'),
  }
}
