/**
 * `millrace up`: the whole of Millrace on this machine, on simulated devices.
 *
 *   simulator ─ pseudo-terminals ─► agent ─ link ─► broker ─► processor ─► page
 *
 * The link is a proxy that the scenario can cut. A process that ends is started again; Ctrl-C stops everything in the order of
 * the flow.
 */
import { writeFileSync } from 'node:fs'
import { buildDashboard } from '@millrace/dashboards/build'
import { type Link, loadScenario, openLink, scenarioPath } from '@millrace/simulators'
import { group, importNode, openLayout } from './layout.ts'
import type { UpOptions } from './options.ts'
import { freePort } from './ports.ts'
import { type Installation, startAgent, startBroker, startProcessor, startSimulator } from './programs.ts'

export interface Running {
  url: string
  /** Of the simulator's newest start. */
  manifest(): string
  pids(): Record<string, number | undefined>
  /** The network between agent and broker. */
  link: Link
  /** A command of `millrace-sim --control`. */
  order(command: object): void
  /** Ends the simulator for good: nothing more is produced, and its manifest is whole. */
  switchOff(): Promise<void>
  /** All recordings are at their end; only with `speed`. */
  simulated: Promise<void>
  stop(): Promise<void>
}

export async function up(options: UpOptions, say: (text: string) => void): Promise<Running> {
  const installation = await prepare(options, say)
  const { layout, link } = installation
  const waitFor = createWaiting(options.onWaiting)
  const simulator = startSimulator(installation)
  const broker = await startBroker(installation)
  await waitFor({ 'the build of the page': buildDashboard(layout.file('page')), broker: broker.ready })
  const processors = Array.from({ length: options.processors ?? 1 }, (_, index) => startProcessor(installation, index))
  const agent = startAgent(installation)
  const inOrder = [simulator, agent, ...processors, broker]
  await waitFor(Object.fromEntries(inOrder.map(({ name, ready }) => [name, ready])))

  const url = `http://127.0.0.1:${installation.webPort}/`
  const known = { url, manifest: installation.manifest, data: layout.dir, import: importOf(installation) }
  writeFileSync(layout.file('up.json'), JSON.stringify(known))
  return {
    url,
    manifest: () => installation.manifest,
    pids: () => Object.fromEntries([simulator, agent, broker, ...processors].map((child) => [child.name, child.pid()])),
    link,
    order: (command) => simulator.tell(JSON.stringify(command)),
    switchOff: () => simulator.stop(),
    simulated: simulator.ended,
    async stop() {
      for (const each of inOrder) await each.stop()
      await link.close()
    },
  }
}

/** How `millrace import` reaches the broker. */
function importOf({ layout, brokerPort }: Installation) {
  const url = `mqtt://127.0.0.1:${brokerPort}`
  return { group, node: importNode, uplink: { url, username: importNode, passwordFile: layout.file('import.password') } }
}

/** Waits for all of them, and says after each which are left. */
function createWaiting(say: (names: string[]) => void = () => {}) {
  return async (parts: Record<string, Promise<unknown>>): Promise<void> => {
    const left = new Set(Object.keys(parts))
    say([...left])
    const each = Object.entries(parts).map(async ([name, part]) => {
      await part
      left.delete(name)
      say([...left])
    })
    await Promise.all(each)
  }
}

async function prepare(options: UpOptions, say: (text: string) => void): Promise<Installation> {
  const layout = await openLayout(options.data)
  const path = scenarioPath(options.scenario ?? 'ward')
  const scenario = loadScenario(path)
  const [webPort, brokerPort] = [await freePort(options.port), await freePort()]
  const link = await openLink({ host: '127.0.0.1', port: brokerPort })
  return { options, layout, scenario, scenarioPath: path, link, webPort, brokerPort, manifest: '', say }
}
