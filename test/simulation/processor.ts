/** What simulated processors have in common: the configuration, and engines that need no disk or network of their own. */
import { type ProcessorConfig, processorSchema } from '@millrace/cloud-processor/config'
import type { AnnouncedRules } from '@millrace/cloud-processor/rules'
import type { StoreReader } from '@millrace/cloud-processor/stores'
import { createMetrics, silentLog } from '@millrace/platform'
import { host } from './agent.ts'
import type { Process } from './world.ts'

const level = { name: 'level-high', channel: 'level', condition: 'above', set: 50, clear: 40, priority: 'high' }

const common = processorSchema.parse({
  bridge: { host },
  rules: {
    rules: [
      { ...level, delayOnMs: 500, delayOffMs: 500 },
      // One with a memory, which snapshots carry.
      { name: 'level-often', channel: 'level', condition: 'm-of-n', high: 50, m: 3, n: 5, clearAt: 0 },
    ],
  },
  notifier: { to: [{ kind: 'log', name: 'people' }] },
  runner: { stepRecords: 50, snapshotEveryRecords: 60, snapshotEveryMs: 700 },
})
export const { rules, prepare: prepareConfig } = common

export const simulatedConfig = (stages: ProcessorConfig['stages']): ProcessorConfig => ({ ...structuredClone(common), stages })

/** Outlives the processes of its machine. */
export function rememberAnnounced(): AnnouncedRules {
  let announced: string | undefined
  return {
    load: () => announced,
    save(hash) {
      announced = hash
    },
  }
}

export const simulatedEngines = ({ clock }: Process) => ({
  clock,
  logger: silentLog,
  metrics: createMetrics(),
  outboxPath: ':memory:',
  logBytes: () => 0,
})

/** Nobody asks: what a simulated store holds is looked at from outside. */
export const unread: StoreReader = {
  refresh: async () => {},
  devices: async () => [],
  points: async () => ({ t: [], v: [] }),
  segments: async () => [],
  rollUp: async () => ({ t: [], count: [], min: [], max: [], sum: [], last: [] }),
  gaps: async () => [],
  corrections: async () => [],
  ledger: async () => [],
  totals: async () => ({}),
  events: async () => [],
}
