import { checkConfig } from '@millrace/platform'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { brokerSchema } from '../../broker/src/config.ts'
import { caSchema } from '../../cli/src/ca/config.ts'
import { processorSchema } from '../../cloud-processor/src/config.ts'
import { busPlugins } from '../../edge-agent/src/bus/index.ts'
import { agentSchema, checkDevices } from '../../edge-agent/src/config.ts'
import { decoderPlugins } from '../../edge-agent/src/decoders/index.ts'
import { filterPlugins } from '../../edge-agent/src/filters/index.ts'
import { instrumentPlugins } from '../../simulators/src/instruments/index.ts'
import { scenarioSchema } from '../../simulators/src/scenario.ts'
import { type Misspelling, misspellings } from './misspelt-keys.ts'

interface Subject {
  name: string
  schema: z.ZodType
  check(raw: unknown): unknown
  /** Where the refusal says that the section is. */
  where?: string
}

const file = (name: string, schema: z.ZodType): Subject => ({ name, schema, check: (raw) => checkConfig(schema, raw, name) })

/** A part of a device, in an agent's configuration that is right otherwise. */
function ofDevice(name: string, kind: string, { schema }: { schema: z.ZodType }, part: (raw: unknown) => object): Subject {
  const device = { id: 'a', bus: { kind: 'tcp', host: 'a', port: 1 }, decoder: { kind: 'contec-cms50' } }
  return {
    name: `${name} ${kind}`,
    schema,
    where: name === 'filter' ? 'devices.0.filters.a' : `devices.a.${name}`,
    check: (raw) =>
      checkDevices(checkConfig(agentSchema, { devices: [{ ...device, ...part({ kind, ...(raw as object) }) }] }, '')),
  }
}

const subjects: Subject[] = [
  file('agent', agentSchema),
  file('broker', brokerSchema),
  file('processor', processorSchema),
  file('ca', caSchema),
  file('scenario', scenarioSchema),
  ...instrumentPlugins.map(({ kind, schema }) => file(`signal ${kind}`, schema)),
  ...Object.entries(busPlugins).map(([kind, plugin]) => ofDevice('bus', kind, plugin, (bus) => ({ bus }))),
  ...Object.entries(decoderPlugins).map(([kind, plugin]) => ofDevice('decoder', kind, plugin, (decoder) => ({ decoder }))),
  ...Object.entries(filterPlugins).map(([kind, plugin]) => ofDevice('filter', kind, plugin, (a) => ({ filters: { a } }))),
]
/** Their further keys are those of their kind, which have a subject of their own. */
const isOfKind = ({ path }: Misspelling) => /^devices\.0\.(?:bus|decoder|filters\.a)\.(?!.*kind)/i.test(path)

test.each(subjects)('$name: a misspelt key is refused by name, in every section', (subject) => {
  const all = misspellings(subject.schema).filter((one) => subject.schema !== agentSchema || !isOfKind(one))
  expect(all.flatMap((one) => faultOf(subject, one))).toEqual([])
})

/** Nothing when it was refused as it should be. */
function faultOf({ check, where = '' }: Subject, { path, raw }: Misspelling): string[] {
  try {
    check(raw)
    return [`${path} is ignored`]
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    const isNamed = message.includes(path) || message.includes(`{ ${path.split('.').at(-1)}`)
    return code === 'CONFIG_INVALID' && message.includes(where) && isNamed ? [] : [`${path} is not named: ${message}`]
  }
}
