/**
 * `millrace up`: the whole of Millrace on this machine, on simulated devices.
 *
 *   simulator ─ pseudo-terminals ─► agent ─ link ─► broker ─► processor ─► page
 *
 * The link is a proxy that the scenario can cut. What dies is started again; Ctrl-C stops everything in the order of the flow.
 */
import { writeFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderMosquitto } from '@millrace/broker/mosquitto'
import { buildDashboard } from '@millrace/dashboards/build'
import { agentDevices, type Link, loadScenario, openLink, scenarioPath } from '@millrace/simulators'
import { type Child, type ChildSpec, startChild } from './children.ts'
import { group, host, node, openLayout } from './layout.ts'
import { freePort } from './ports.ts'
import { alarmRules } from './rules.ts'

export interface UpOptions {
  data: string
  /** Name or path of a scenario; the ward story when absent. */
  scenario?: string
  port: number
  /** Notifications are posted there. */
  webhook?: string
  /** Of the simulator: device time over real time, or `max`. It then runs once, and is not started again at its end. */
  speed?: string
  /** Instead of the ward's. */
  rules?: unknown[]
  /** More of the agent's configuration. */
  agent?: Record<string, unknown>
  /** More of each processor's configuration, such as engines that run elsewhere. */
  processor?: Record<string, unknown>
  /** Processors that share the log; the first serves the page. */
  processors?: number
  /** What each of them does; by default everything, the page apart. */
  stages?: string[][]
  /** Mosquitto's program, to stand in our broker's place. */
  mosquitto?: string
}

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

const script = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))

export async function up(options: UpOptions, say: (text: string) => void): Promise<Running> {
  const layout = await openLayout(options.data)
  const path = scenarioPath(options.scenario ?? 'ward')
  const scenario = loadScenario(path)
  const [webPort, brokerPort] = [await freePort(options.port), await freePort()]
  const link = await openLink({ host: '127.0.0.1', port: brokerPort })
  let manifest = ''

  const child = (name: string, program: string, args: () => string[], readyWhen: RegExp, more: Partial<ChildSpec> = {}): Child =>
    startChild(
      {
        name,
        script: more.isProgram && isAbsolute(program) ? program : script(program),
        args,
        readyWhen,
        logFile: layout.file(`logs/${name}.log`),
        restarts: true,
        ...more,
      },
      say,
    )
  const run = (config: string) => () => ['run', '--config', config]

  const simulator = child(
    'simulator',
    '@millrace/simulators/main',
    () => {
      // A simulator that was killed starts its story anew, and a manifest with it.
      manifest = layout.file(`manifests/${Date.now()}.jsonl`)
      const speed = options.speed === undefined ? [] : ['--speed', options.speed]
      return ['run', path, '--ports', layout.file('ports'), '--manifest', manifest, '--control', ...speed]
    },
    /"ready"/,
    { onLine: tellStory(link, say), restarts: options.speed === undefined },
  )
  const broker = await startBroker()
  await Promise.all([buildDashboard(layout.file('page')), broker.ready])

  const processors = Array.from({ length: options.processors ?? 1 }, (_, index) => startProcessor(index))
  const agentConfig = layout.writeConfig('agent.yaml', {
    group,
    node,
    host,
    dataDir: layout.file('agent'),
    uplink: { url: `mqtt://127.0.0.1:${link.port}`, username: node, password: layout.secrets.node, reconnectMsMax: 5000 },
    devices: agentDevices(scenario, layout.file('ports')),
    ...options.agent,
  })
  const agent = child('agent', '@millrace/edge-agent/command', run(agentConfig), /"agent ready"/, { isProgram: true })
  await Promise.all([simulator.ready, agent.ready, ...processors.map(({ ready }) => ready)])

  const url = `http://127.0.0.1:${webPort}/`
  const pids = () => Object.fromEntries([simulator, agent, broker, ...processors].map(({ name, pid }) => [name, pid()]))
  writeFileSync(layout.file('up.json'), JSON.stringify({ url, manifest, data: layout.dir }))
  return {
    url,
    manifest: () => manifest,
    pids,
    link,
    order: (command) => simulator.tell(JSON.stringify(command)),
    switchOff: () => simulator.stop(),
    simulated: simulator.ended,
    async stop() {
      for (const each of [simulator, agent, ...processors, broker]) await each.stop()
      await link.close()
    },
  }

  async function startBroker(): Promise<Child> {
    if (options.mosquitto === undefined) {
      const config = layout.writeConfig('broker.yaml', {
        listen: { port: brokerPort },
        users: layout.file('broker.users'),
        store: { path: layout.file('broker/sessions.sqlite') },
      })
      return child('broker', '@millrace/broker/main', run(config), /"listening"/, { nodeOptions: ['--max-semi-space-size=2'] })
    }
    const { config } = await renderMosquitto({ port: brokerPort, dir: layout.file('broker'), users: layout.users })
    const ready = /mosquitto version .* running/
    return child('broker', options.mosquitto, () => ['-c', config], ready, { isProgram: true })
  }

  function startProcessor(index: number): Child {
    const name = index === 0 ? 'processor' : `processor-${index + 1}`
    const config = layout.writeConfig(`${name}.yaml`, {
      name,
      dataDir: layout.file(name),
      bridge: { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: layout.secrets.host, host },
      rules: { rules: options.rules ?? alarmRules },
      notifier: { to: options.webhook ? [{ kind: 'webhook', url: options.webhook }] : [] },
      ...(index === 0
        ? { staticDir: layout.file('page'), web: { port: webPort } }
        : { stages: ['bridge', 'prepare', 'rules', 'notifier', ...(options.processor?.store ? ['store', 'documents'] : [])] }),
      ...options.processor,
      ...(options.stages ? { stages: options.stages[index] } : {}),
    })
    return child(name, '@millrace/cloud-processor/main', run(config), /"processor ready"/)
  }
}

/** Says what the scenario does, and cuts the link when it says so. */
function tellStory(link: Link, say: (text: string) => void): (line: string) => void {
  return (line) => {
    if (!line.startsWith('{"k":"event"')) return
    const { event, device, durationS } = JSON.parse(line) as { event: string; device?: string; durationS?: number }
    const lasting = durationS === undefined ? '' : ` for ${durationS} s`
    say(`story: ${event}${device ? ` on ${device}` : ''}${lasting}`)
    if (event !== 'link-cut') return
    link.cut()
    setTimeout(
      () => {
        say('story: link mended; live values go first, then the backlog')
        link.mend()
      },
      (durationS ?? 0) * 1000,
    )
  }
}
