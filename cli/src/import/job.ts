/** The job of an import: which files, what their rows mean, what is refused. */
import { precision, zone } from '@millrace/cloud-processor/prepare'
import { uplinkSchema } from '@millrace/edge-agent/uplink'
import { checkConfig, loadConfig, MillraceError, ownValue } from '@millrace/platform'
import { z } from 'zod'
import { type Extract, extracts } from './extracts/index.ts'

const id = z.string().regex(/^[^+#/]+$/, 'may not contain + # /')

const channelSchema = z.strictObject({
  column: z.string().optional().describe('Its name in a row; absent: under the name of the channel'),
  kind: z.enum(['number', 'text', 'boolean']).default('number').describe('What its values are'),
  unit: z.string().default('1').describe('UCUM, such as /min, %, mm[Hg]; 1 where there is no dimension'),
  code: z.string().optional().describe('What is measured: loinc:8867-4 or mdc:147842'),
  min: z.number().optional().describe('A lower value is refused'),
  max: z.number().optional().describe('A higher value is refused'),
  missing: z
    .array(z.union([z.string(), z.number()]))
    .default([])
    .describe('Further texts and numbers that mean no value, such as 0 of a monitor that was disconnected'),
})
export type ChannelConfig = z.infer<typeof channelSchema>

const sourceSchema = z.strictObject({
  name: z.string().default('').describe('Tells two sources apart that read the same files'),
  files: z.array(z.string()).min(1).describe('Paths, with * ? ** {a,b}; those that match are read in order of their names'),
  extract: z
    .looseObject({
      kind: z.enum(Object.keys(extracts) as [string, ...string[]]).describe('What they hold; further keys are those of the kind'),
    })
    .describe('How rows are read from them'),
  time: z
    .strictObject({
      column: z.string().optional().describe('Column with the time; absent: the one that the kind has by itself'),
      unit: precision,
      zone,
      start: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('Times are so much after it, in `unit`; absent: they are epochs or texts'),
    })
    .prefault({})
    .describe('When a row was measured: an epoch in `unit`, a text of RFC 3339 or ISO 8601, or a time since `start`'),
  device: z
    .strictObject({
      name: id.optional().describe('All rows are of this device'),
      column: z.string().optional().describe('Column with the name of the device'),
      prefix: z.string().default('').describe('Put before the value of the column'),
    })
    .refine(({ name, column }) => (name === undefined) !== (column === undefined), 'needs either name or column')
    .describe('Of which device a row is'),
  channels: z
    .record(z.string().min(1), channelSchema)
    .default({})
    .describe('Columns that become channels, by the name of the channel; empty: those that the file itself describes'),
  missing: z.array(z.string()).default(['', 'NA', 'NaN', 'nan', 'null']).describe('Texts that mean no value, in every channel'),
})
export type SourceConfig = z.infer<typeof sourceSchema>

export const jobSchema = z.strictObject({
  group: id.optional().describe('Sparkplug group; absent: as `millrace up` has it in --data, else millrace'),
  node: id.optional().describe('Sparkplug edge node, unique in the group; absent: import'),
  host: id.default('millrace').describe('Sparkplug host whose receipts are obeyed'),
  dataDir: z
    .string()
    .optional()
    .describe(
      'Folder of outbox, watermarks and refused rows; absent: a folder of the name of the job beside it. One for each job, kept between its runs',
    ),
  uplink: uplinkSchema.optional().describe('The broker; absent: that of `millrace up` in --data. Keys as of the agent'),
  outboxBytesMax: z
    .int()
    .min(4 << 20)
    .default(256 << 20)
    .describe('Reading pauses while half as much waits for receipts'),
  tooOld: z
    .enum(['stop', 'refuse', 'send'])
    .default('stop')
    .describe('A row older than the store keeps: the import stops, the row is refused, or it is sent and expires there'),
  rejectsMax: z.int().min(0).default(100_000).describe('Refused rows and values written beside, for each file; all are counted'),
  sources: z.array(sourceSchema).min(1).describe('What is imported, in this order'),
})
export type Job = z.infer<typeof jobSchema>

/** A source with the plug-in that reads it. */
export interface Source extends SourceConfig {
  plugin: Extract
  extractConfig: unknown
}

/** @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID */
export function loadJob(path: string): Job & { sources: Source[] } {
  const job = loadConfig(jobSchema, path, {})
  return { ...job, sources: job.sources.map((source, k) => resolve(source, path, k)) }
}

function resolve(source: SourceConfig, path: string, k: number): Source {
  const { kind, ...rest } = source.extract
  const plugin = ownValue(extracts, kind)!
  const refuse = (detail: string): never => {
    throw new MillraceError('CONFIG_INVALID', { path, detail: `sources.${k}.${detail}` })
  }
  if (!plugin.channels && Object.keys(source.channels).length === 0) refuse('channels = {}: name at least one')
  if (plugin.channels && source.device.name === undefined)
    refuse('device.name = nothing: a file that describes its channels is of one device')
  if (!plugin.time && source.time.column === undefined) refuse('time.column = nothing: name the column with the time')
  return { ...source, plugin, extractConfig: checkConfig(plugin.schema, rest, `${path}: sources.${k}.extract`) }
}
