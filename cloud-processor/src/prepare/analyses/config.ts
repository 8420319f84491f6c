/** An entry of `prepare.analyses`. Its own keys are those of its analysis. */
import { z } from 'zod'
import type { Analysis } from './analysis.ts'
import { analyses, analysisOf } from './index.ts'

const channelName = z.string().min(1).max(200)

const commonKeys = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'use a-z, 0-9, dash, underscore; at most 40')
    .describe('Unique in the list; a derived channel is called `<name>.<what it is>`'),
  devices: z.array(z.string().min(1).max(200)).max(1000).default(['*']).describe('Devices it is for. * and ? are wild'),
}

/** With the keys of its analysis beside. */
export interface AnalysisConfig {
  name: string
  analysis: string
  devices: string[]
  channels: string[]
}

const entrySchema = z.discriminatedUnion('analysis', analyses.map(schemaOf) as [ReturnType<typeof schemaOf>])

const listSchema = z
  .array(
    entrySchema.superRefine((entry, context) => {
      const message = analysisOf(entry).fault?.(entry)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    }),
  )
  .max(100)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two analyses have the same name')

export const analysesSchema = (listSchema as unknown as z.ZodType<AnalysisConfig[], object[]>).default([])

function schemaOf({ name, description, channels, takes, keys }: Analysis) {
  return z.strictObject({
    ...commonKeys,
    analysis: z.literal(name).describe(description),
    channels: z
      .array(channelName)
      .length(channels)
      .describe(`${channels === 1 ? 'The channel' : 'The two channels'} that it takes, of kind ${takes}`),
    ...keys,
  })
}
