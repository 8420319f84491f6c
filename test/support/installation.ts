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
import { freePort } from '@millrace/platform/testing/free-port'
import { agentDevices, loadScenario } from '@millrace/simulators'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
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

export interface InstallationOptions extends LayoutOptions {
  onUnexpectedEnd: OnUnexpectedEnd
}

export interface LayoutOptions {
  scenario: object
  /** More of the configuration of each. */
  agent?: object
  broker?: object
  processor?: object
  /** The port at which the agent reaches the broker, where something is between them. */
  through?: (brokerPort: number) => Promise<number>
}

/** The folder of an installation: its configuration files are written, and stay for whatever is started on them. */
export interface Layout {
  path(name: string): string
  webUrl: string
}

type OnUnexpectedEnd = (name: string, how: string) => void

/** Nothing is started yet. */
export async function installation(dir: string, options: InstallationOptions): Promise<Installation> {
  return programsOf(await layOut(dir, options), { ...options, manifest: 'manifest.jsonl' })
}

export async function layOut(dir: string, options: LayoutOptions): Promise<Layout> {
  const path = (name: string) => join(dir, name)
  for (const part of ['ports', 'logs', 'agent', 'processor']) mkdirSync(path(part))
  const password = { node: randomBytes(18).toString('base64url'), host: randomBytes(18).toString('base64url') }
  const [brokerPort, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${brokerPort}`
  const identity = { group: 'test', node: 'gateway', host: 'millrace' }
  await addUser(path('users'), { name: 'gateway', password: password.node, role: 'node', args: ['test/gateway'] })
  await addUser(path('users'), { name: 'processor', password: password.host, role: 'host', args: ['millrace'] })

  const write = (name: string, content: object) => writeFileSync(path(`${name}.yaml`), stringify(content), { mode: 0o600 })
  write('scenario', options.scenario)
  write('broker', { listen: { port: brokerPort }, users: path('users'), ...options.broker })
  write('processor', {
    dataDir: path('processor'),
    bridge: { url, username: 'processor', password: password.host, host: identity.host },
    web: { port: webPort },
    ...options.processor,
  })
  const uplinkPort = (await options.through?.(brokerPort)) ?? brokerPort
  write('agent', {
    ...identity,
    dataDir: path('agent'),
    uplink: { url: `mqtt://127.0.0.1:${uplinkPort}`, username: 'gateway', password: password.node, reconnectMsMax: 1000 },
    devices: agentDevices(loadScenario(path('scenario.yaml')), path('ports')),
    ...options.agent,
  })
  return { path, webUrl: `http://127.0.0.1:${webPort}/` }
}

export interface ProgramOptions {
  onUnexpectedEnd: OnUnexpectedEnd
  /** File for what the simulator produces. */
  manifest: string
  /** The file of what a package exports; absent: of this version. */
  find?: (specifier: string) => string
}

export function programsOf({ path, webUrl }: Layout, { onUnexpectedEnd, manifest, find = ours }: ProgramOptions): Installation {
  const run = (name: string, command: string[], readyWhen: RegExp) =>
    realProcess({
      name,
      command: command[0]!,
      args: command.slice(1),
      readyWhen,
      logFile: path(`logs/${name}.log`),
      onUnexpectedEnd: (how) => onUnexpectedEnd(name, how),
    })
  const program = (specifier: string) => [process.execPath, find(specifier)]
  const service = (name: string, command: string[], readyWhen: RegExp) =>
    run(name, [...command, 'run', '--config', path(`${name}.yaml`)], readyWhen)
  const simulation = ['run', path('scenario.yaml'), '--ports', path('ports'), '--manifest', path(manifest), '--control']
  return {
    simulator: run('simulator', [...program('@millrace/simulators/main'), ...simulation], /"ready"/),
    broker: service('broker', program('@millrace/broker/main'), /"listening"/),
    processor: service('processor', program('@millrace/cloud-processor/main'), /"processor ready"/),
    agent: service('agent', [find('@millrace/edge-agent/command')], /"agent ready"/),
    api: openApi(webUrl),
    manifest: path(manifest),
    agentDir: path('agent'),
  }
}

function ours(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier))
}
