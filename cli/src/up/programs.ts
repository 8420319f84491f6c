/** The programs of `millrace up`, each with the configuration that it gets. */
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderMosquitto } from '@millrace/broker/mosquitto'
import { agentDevices, type Link, type Scenario } from '@millrace/simulators'
import { Child, type ChildSpec } from './children.ts'
import { group, host, type Layout, node } from './layout.ts'
import type { UpOptions } from './options.ts'
import { alarmRules } from './rules.ts'

export interface Installation {
  options: UpOptions
  layout: Layout
  scenario: Scenario
  scenarioPath: string
  link: Link
  webPort: number
  brokerPort: number
  /** Of the simulator's newest start. */
  manifest: string
  say(text: string): void
}

export function startSimulator(installation: Installation): Child {
  const { options, layout, scenarioPath, link, say } = installation
  const speed = options.speed === undefined ? [] : ['--speed', options.speed]
  return start(installation, {
    name: 'simulator',
    script: '@millrace/simulators/main',
    args: () => {
      // A simulator that was killed begins its story again, and a new manifest.
      installation.manifest = layout.file(`manifests/${Date.now()}.jsonl`)
      const files = ['--ports', layout.file('ports'), '--manifest', installation.manifest]
      return ['run', scenarioPath, ...files, '--control', ...speed]
    },
    readyWhen: /"ready"/,
    onLine: tellStory(link, say),
    restarts: options.speed === undefined,
  })
}

export async function startBroker(installation: Installation): Promise<Child> {
  const { options, layout, brokerPort: port } = installation
  if (options.mosquitto === undefined) {
    const config = layout.writeConfig('broker.yaml', {
      listen: { port },
      users: layout.file('broker.users'),
      store: { path: layout.file('broker/sessions.sqlite') },
    })
    const program = { script: '@millrace/broker/main', args: run(config), nodeOptions: ['--max-semi-space-size=2'] }
    return start(installation, { name: 'broker', ...program, readyWhen: /"listening"/ })
  }
  const { config } = await renderMosquitto({ port, dir: layout.file('broker'), users: layout.users })
  const program = { script: options.mosquitto, isProgram: true, args: () => ['-c', config] }
  return start(installation, { name: 'broker', ...program, readyWhen: /mosquitto version .* running/ })
}

export function startAgent(installation: Installation): Child {
  const { options, layout, scenario, link } = installation
  const config = layout.writeConfig('agent.yaml', {
    group,
    node,
    host,
    dataDir: layout.file('agent'),
    uplink: { url: `mqtt://127.0.0.1:${link.port}`, username: node, password: layout.secrets.node, reconnectMsMax: 5000 },
    devices: agentDevices(scenario, layout.file('ports')),
    ...options.agent,
  })
  const program = { script: '@millrace/edge-agent/command', isProgram: true, args: run(config) }
  return start(installation, { name: 'agent', ...program, readyWhen: /"agent ready"/ })
}

/** The first serves the page. */
export function startProcessor(installation: Installation, index: number): Child {
  const { options, layout, brokerPort, webPort } = installation
  const name = index === 0 ? 'processor' : `processor-${index + 1}`
  const sinks = options.processor?.store ? ['store', 'documents'] : []
  const config = layout.writeConfig(`${name}.yaml`, {
    name,
    dataDir: layout.file(name),
    bridge: { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: layout.secrets.host, host },
    rules: { rules: options.rules ?? alarmRules },
    notifier: { to: options.webhook ? [{ kind: 'webhook', url: options.webhook }] : [] },
    ...(index === 0
      ? { staticDir: layout.file('page'), web: { port: webPort } }
      : { stages: ['bridge', 'prepare', 'rules', 'notifier', ...sinks] }),
    ...options.processor,
    ...(options.stages ? { stages: options.stages[index] } : {}),
  })
  return start(installation, {
    name,
    script: '@millrace/cloud-processor/main',
    args: run(config),
    readyWhen: /"processor ready"/,
  })
}

type Program = Omit<ChildSpec, 'logFile' | 'restarts'> & { restarts?: boolean }

/** `script` is what a package exports, or the path of a program. */
function start({ layout, options, say }: Installation, program: Program): Child {
  const { script } = program
  const path = program.isProgram && isAbsolute(script) ? script : fileURLToPath(import.meta.resolve(script))
  const { onAsked } = options
  const logFile = layout.file(`logs/${program.name}.log`)
  return new Child({ restarts: true, ...program, script: path, logFile, ...(onAsked ? { onAsked } : {}) }, say)
}

const run = (config: string) => () => ['run', '--config', config]

/** Says what the scenario does, and cuts the link when it says so. */
function tellStory(link: Link, say: (text: string) => void): (line: string) => void {
  return (line) => {
    if (!line.startsWith('{"k":"event"')) return
    const { event, device, durationS } = JSON.parse(line) as { event: string; device?: string; durationS?: number }
    const lasting = durationS === undefined ? '' : ` for ${durationS} s`
    say(`story: ${event}${device ? ` on ${device}` : ''}${lasting}`)
    if (event !== 'link-cut') return
    link.cut()
    const mend = () => {
      say('story: link mended; live values go first, then the backlog')
      link.mend()
    }
    setTimeout(mend, (durationS ?? 0) * 1000)
  }
}
