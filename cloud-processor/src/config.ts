/** The processor's configuration: one part for each stage, each owned by its stage. */
import { z } from 'zod'
import { bridgeSchema } from './bridge/index.ts'
import { embeddedLogSchema } from './log/index.ts'
import { prepareSchema } from './prepare/index.ts'
import { notifierSchema, ruleFileSchema } from './rules/index.ts'
import { runnerDefaults } from './stage/index.ts'
import { embeddedStoreSchema } from './stores/index.ts'
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

export const processorSchema = z.strictObject({
  dataDir: z.string().default('millrace-data/processor').describe('Folder of the log, the store and the notifier’s outbox'),
  bridge: bridgeSchema.prefault({}),
  log: embeddedLogSchema.prefault({}).describe('The embedded log; its file is log.sqlite in dataDir, whatever `path` says'),
  prepare: prepareSchema.prefault({}),
  rules: ruleFileSchema.prefault({}).describe('Alarm rules; see alarms/README.md'),
  notifier: notifierSchema.prefault({}),
  store: embeddedStoreSchema
    .prefault({})
    .describe('The embedded store; its file is store.sqlite in dataDir, whatever `path` says'),
  runner: runnerSchema,
  web: webConfig,
  staticDir: z.string().optional().describe('Folder of the built page'),
})
export type ProcessorConfig = z.infer<typeof processorSchema>
