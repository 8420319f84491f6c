/**
 * The cloud processor, alone with the embedded log; or several that share a log on Kafka. Of those the first serves the page,
 * and has the embedded store, if that is the one; another one waits for its turn to join and to leave.
 */
import type { RealProcess } from '../../support/real-process.ts'
import { deadSensors } from './dead-sensors.ts'
import type { SharedEngines } from './engines.ts'
import type { Workshop } from './workshop.ts'

export interface Processor extends RealProcess {
  dataDir: string
}

/** Desaturations that are ordered, and absences that faults bring or that last. */
const rules = {
  rules: [
    {
      name: 'spo2-low',
      channel: 'spo2',
      condition: 'below',
      set: 88,
      clear: 90,
      delayOnMs: 2000,
      delayOffMs: 2000,
      priority: 'high',
    },
    { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 3000, priority: 'low' },
    { name: deadSensors.rule, channel: deadSensors.channel, condition: 'absent', afterMs: 3000, priority: 'low' },
  ],
}

/** Often enough that most takeovers in a short run begin at a snapshot. */
const snapshotEveryMs = 10_000

export interface ProcessorsOptions {
  bridge: object
  webPort: number
  webhookUrl: string
  onLine(name: string, line: string): void
  /** Absent: the embedded log, and one processor. */
  shared?: { engines: SharedEngines; processors: number }
}

/** Not started yet; the first one serves the page. */
export function makeProcessors(workshop: Workshop, options: ProcessorsOptions): { processors: Processor[]; visitor?: Processor } {
  const { shared } = options
  const common = {
    bridge: options.bridge,
    devices: [deadSensors.entry],
    rules,
    notifier: { to: [{ kind: 'webhook', url: options.webhookUrl }] },
  }
  const page = { web: { port: options.webPort } }
  if (!shared) return { processors: [make('processor', { ...common, ...page })] }
  const { log, store } = shared.engines.config
  const stages = ['bridge', 'prepare', 'rules', 'notifier', ...(store ? ['store'] : [])]
  const all = Array.from({ length: shared.processors + 1 }, (_, index) =>
    make(`processor-${index + 1}`, {
      name: `processor-${index + 1}`,
      ...common,
      log,
      ...(store ? { store } : {}),
      runner: { snapshotEveryMs },
      ...(index === 0 ? { ...page, stages: [...new Set([...stages, 'store', 'web'])] } : { stages }),
    }),
  )
  return { processors: all.slice(0, -1), visitor: all.at(-1)! }

  function make(name: string, config: object): Processor {
    workshop.makeFolder(name)
    const dataDir = workshop.path(name)
    const file = workshop.write(`${name}.yaml`, { dataDir, ...config })
    const one = workshop.start(name, {
      ...workshop.node('@millrace/cloud-processor/main', ['run', '--config', file], /"processor ready"/),
      onLine: (line) => options.onLine(name, line),
    })
    return Object.assign(one, { dataDir })
  }
}
