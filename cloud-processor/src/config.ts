/** The processor's configuration: one part for each stage, each owned by its stage. */
import { hostname } from 'node:os'
import { metricsEndpointSchema } from '@millrace/platform'
import { z } from 'zod'
import { bridgeSchema } from './bridge/index.ts'
import { logSchema } from './log/index.ts'
import { filtersOf, type PlainConfig, plainSchema, prepareSchema } from './prepare/index.ts'
import { notifierSchema, ruleFileSchema } from './rules/index.ts'
import { documentsSchema, sinkSchema } from './sinks/index.ts'
import { runnerDefaults } from './stage/index.ts'
import { storeSchema } from './stores/index.ts'
import { webConfig } from './web/index.ts'

const runnerSchema = z
  .strictObject({
    stepRecords: z.number().int().min(1).default(runnerDefaults.stepRecords).describe('Records a stage takes in one step'),
    stepBytes: z.number().int().min(1024).default(runnerDefaults.stepBytes).describe('Bytes a stage takes in one step'),
    snapshotEveryRecords: z
      .number()
      .int()
      .min(1)
      .default(runnerDefaults.snapshotEveryRecords)
      .describe('A snapshot at the latest after so many records'),
    snapshotEveryMs: z
      .number()
      .int()
      .min(100)
      .default(runnerDefaults.snapshotEveryMs)
      .describe('and at the first step after this long'),
  })
  .prefault({})

/** What a processor may do; each is a stage of the flow. On a log that several processes share, each may do a part. */
export const stages = ['bridge', 'prepare', 'rules', 'notifier', 'store', 'documents', 'sinks', 'web'] as const

export const processorSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/)
    .default(hostname())
    .describe('Name of this process among the processors on one log'),
  stages: z
    .array(z.enum(stages))
    .nonempty()
    .default([...stages])
    .describe('What this process does; also `--stages a,b`'),
  dataDir: z.string().default('millrace-data/processor').describe('Folder of the log, the store and the notifier’s outbox'),
  devices: z
    .array(plainSchema)
    .default([])
    .describe(
      'Plain MQTT devices by topic filter: how their payload is read, and what they are called. The bridge subscribes to each filter',
    ),
  bridge: bridgeSchema.prefault({}),
  log: logSchema.prefault({}).describe('The event log'),
  prepare: prepareSchema.prefault({}),
  rules: ruleFileSchema.prefault({}).describe('Alarm rules; see alarms/README.md'),
  notifier: notifierSchema.prefault({}),
  store: storeSchema.prefault({}).describe('The time-series store'),
  documents: documentsSchema.optional().describe('Where alarms, events and rejections go to be searched; absent: nowhere'),
  sinks: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/), sinkSchema)
    .default({})
    .describe(
      'Where else records of the log go, each sink under a name that you choose. Its position is kept under that name: another name starts where the log starts',
    ),
  runner: runnerSchema,
  web: webConfig,
  metrics: metricsEndpointSchema.describe('The metrics endpoint: /health and /metrics'),
  staticDir: z.string().optional().describe('Folder of the built page'),
})
export type ProcessorConfig = z.infer<typeof processorSchema>

/** Those of `prepare.plain`, where they were written before, come behind: the first filter that takes a topic counts. */
export function plainDevices({ devices, prepare }: Pick<ProcessorConfig, 'devices' | 'prepare'>): PlainConfig[] {
  return [...devices, ...prepare.plain]
}

/** What the bridge subscribes to besides Sparkplug. */
export function plainFilters(config: Pick<ProcessorConfig, 'devices' | 'prepare' | 'bridge'>): string[] {
  return filtersOf(plainDevices(config), config.bridge.plain)
}
