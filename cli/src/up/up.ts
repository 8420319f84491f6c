/**
 * `millrace up`: the whole of Millrace on this machine, on simulated devices.
 *
 *   simulator ─ pseudo-terminals ─► agent ─ link ─► broker ─► processor ─► page
 *
 * The link is a proxy that the scenario can cut. What dies is started again; Ctrl-C stops everything in the order of the flow.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildDashboard } from '@millrace/dashboards/build'
import { agentDevices, linkCuts, loadScenario, openLink } from '@millrace/simulators'
import { type Child, startChild } from './children.ts'
import { group, host, node, openLayout } from './layout.ts'
import { freePort } from './ports.ts'
import { alarmRules } from './rules.ts'

export interface UpOptions {
  data: string
  /** Path of a scenario file; the ward story when absent. */
  scenario?: string
  port: number
  /** Notifications are posted there. */
  webhook?: string
}

export interface Running {
  url: string
  manifest: string
  pids(): Record<string, number | undefined>
  stop(): Promise<void>
}

const script = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))

export async function up(options: UpOptions, say: (text: string) => void): Promise<Running> {
  const layout = await openLayout(options.data)
  const scenarioPath = options.scenario ?? fileURLToPath(new URL('../../../simulators/src/scenarios/ward.yaml', import.meta.url))
  const scenario = loadScenario(scenarioPath)
  const manifest = layout.file(`manifests/${Date.now()}.jsonl`)
  const [webPort, brokerPort] = [await freePort(options.port), await freePort()]
  const link = await openLink({ host: '127.0.0.1', port: brokerPort })

  const child = (name: string, process: string, args: string[], readyWhen: RegExp, nodeOptions: string[] = []): Child =>
    startChild(
      { name, script: script(process), args, nodeOptions, readyWhen, logFile: layout.file(`logs/${name}.log`), restarts: true },
      say,
    )

  const simArgs = ['run', scenarioPath, '--ports', layout.file('ports'), '--manifest', manifest, '--control']
  const simulator = child('simulator', '@millrace/simulators/main', simArgs, /"ready"/)
  const brokerConfig = layout.writeConfig('broker.yaml', { listen: { port: brokerPort }, users: layout.file('broker.users') })
  const broker = child('broker', '@millrace/broker/main', ['run', '--config', brokerConfig], /listening/)
  mkdirSync(layout.file('page'), { recursive: true })
  await Promise.all([buildDashboard(layout.file('page')), broker.ready])

  const processorConfig = layout.writeConfig('processor.yaml', {
    dataDir: layout.file('processor'),
    staticDir: layout.file('page'),
    bridge: { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: layout.secrets.host, host },
    web: { port: webPort },
    rules: { rules: alarmRules },
    ...(options.webhook ? { notifier: { webhook: { url: options.webhook } } } : {}),
  })
  const processor = child('processor', '@millrace/cloud-processor/main', ['run', '--config', processorConfig], /processor ready/)
  await simulator.ready
  const agentConfig = layout.writeConfig('agent.yaml', {
    group,
    node,
    host,
    dataDir: layout.file('agent'),
    uplink: { url: `mqtt://127.0.0.1:${link.port}`, username: node, password: layout.secrets.node },
    devices: agentDevices(scenario, layout.file('ports')),
  })
  const agent = child('agent', '@millrace/edge-agent/main', ['run', '--config', agentConfig], /agent ready/, [
    '--max-semi-space-size=2',
  ])
  await Promise.all([processor.ready, agent.ready])
  const stopCuts = playCuts(scenario, link, say)

  const url = `http://127.0.0.1:${webPort}/`
  const children = { simulator, agent, broker, processor }
  const pids = () => Object.fromEntries(Object.entries(children).map(([name, { pid }]) => [name, pid()]))
  writeFileSync(layout.file('up.json'), JSON.stringify({ url, manifest, data: layout.dir }))
  return {
    url,
    manifest,
    pids,
    async stop() {
      stopCuts()
      for (const each of [simulator, agent, processor, broker]) await each.stop()
      await link.close()
    },
  }
}

/** Cuts the link between agent and broker when the scenario says so. */
function playCuts(
  scenario: ReturnType<typeof loadScenario>,
  link: Awaited<ReturnType<typeof openLink>>,
  say: (text: string) => void,
) {
  const startedMs = performance.now()
  const cuts = linkCuts(scenario)
  let timer: NodeJS.Timeout
  const next = () => {
    const { value: cut } = cuts.next()
    if (!cut) return
    timer = setTimeout(
      () => {
        say(`link cut for ${cut.durationS} s: the agent keeps what it reads`)
        link.cut()
        timer = setTimeout(() => {
          say('link mended: live values first, then the backlog')
          link.mend()
          next()
        }, cut.durationS * 1000)
      },
      Math.max(0, startedMs + cut.atS * 1000 - performance.now()),
    )
  }
  next()
  return () => clearTimeout(timer)
}
