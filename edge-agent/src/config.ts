/** The agent's configuration. The parts of a device belong to its bus and its decoder, which own their schemas. */

import { checkConfig, MillraceError, metricsEndpointSchema } from '@millrace/platform'
import { z } from 'zod'
import { busPlugins } from './bus/index.ts'
import { decoderPlugins } from './decoders/index.ts'
import { filtersSchema } from './filters/index.ts'
import { outboxSchema } from './outbox/index.ts'
import { rulesSchema } from './rules/index.ts'
import { uplinkSchema } from './uplink/index.ts'

const id = z.string().regex(/^[^+#/]+$/, 'may not contain + # /')

const deviceSchema = z.strictObject({
  id: id.describe('Name of the device; unique in the whole installation'),
  bus: z
    .looseObject({
      kind: z
        .enum(Object.keys(busPlugins) as [string, ...string[]])
        .describe('What it hangs on; further keys are those of the kind'),
    })
    .describe('Where its bytes come from'),
  decoder: z
    .looseObject({
      kind: z
        .enum(Object.keys(decoderPlugins) as [string, ...string[]])
        .describe('Which instrument; further keys are those of the kind'),
    })
    .describe('What its bytes mean'),
  filters: filtersSchema.prefault({}).describe('Report by exception, by channel'),
})
export type DeviceConfig = z.infer<typeof deviceSchema>

const remoteSchema = z
  .union([
    z.literal(false),
    z.strictObject({
      configuration: z.boolean().default(true).describe('Takes configurations from the cloud, over a link that is authenticated'),
      commands: z
        .boolean()
        .default(true)
        .describe('Takes commands from the cloud; over a link that is not authenticated only `status` and `rebirth`'),
      confirmMs: z
        .int()
        .min(1000)
        .max(3_600_000)
        .default(60_000)
        .describe('A configuration that the cloud has not confirmed for so long goes back to the one before'),
    }),
  ])
  .prefault({})
  .describe('What the cloud may change here; `false`: nothing. See docs/remote.md')

export const agentSchema = z.strictObject({
  group: id.default('millrace').describe('Sparkplug group'),
  node: id.default('edge-1').describe('Sparkplug edge node; unique in the group'),
  host: id.default('millrace').describe('Sparkplug host whose receipts are obeyed'),
  dataDir: z.string().default('millrace-data/agent').describe('Folder of the outbox'),
  commitEveryMs: z
    .number()
    .int()
    .min(5)
    .max(60_000)
    .default(100)
    .describe('Batches are closed and committed this often: latency against wear of the disk'),
  devices: z.array(deviceSchema).default([]).describe('Devices on this gateway'),
  health: z
    .strictObject({
      everyMs: z
        .int()
        .min(0)
        .max(3_600_000)
        .default(0)
        .describe('The gateway is measured this often, as a device of its own; 0 is never. Packages and `setup` write 10000'),
      device: id.optional().describe('Name of that device; by default `<node>-gateway`'),
    })
    .prefault({})
    .describe('Processor, memory, disk, temperature, link, outbox and certificate of this gateway as channels'),
  rules: rulesSchema
    .optional()
    .describe(
      'Alarm rules that this gateway judges itself, link or not. Absent: none. With `metrics.port` a page shows its alarms',
    ),
  outbox: outboxSchema.prefault({}),
  uplink: uplinkSchema.prefault({}),
  remote: remoteSchema,
  metrics: metricsEndpointSchema.describe('The metrics endpoint: /health and /metrics'),
  observe: z
    .strictObject({ fd: z.int().min(3).describe('Open file descriptor, inherited; a slow reader of it slows the agent') })
    .optional()
    .describe('For test harnesses only: tells there what became durable and what was freed; see observe.ts'),
})
export type AgentConfig = z.infer<typeof agentSchema>

/** A device's bus and decoder with their own checked configuration. @throws MillraceError CONFIG_INVALID */
export function resolveDevice(device: DeviceConfig) {
  const { kind: busKind, ...busConfig } = device.bus
  const { kind: decoderKind, ...decoderConfig } = device.decoder
  const decoder = decoderPlugins[decoderKind]!
  const decoderChecked = checkConfig(decoder.schema, decoderConfig, `devices.${device.id}.decoder`)
  const bus = busPlugins[busKind]!
  const link = bus.hasLink ? decoder.link(decoderChecked) : {}
  const busChecked = checkConfig(bus.schema, { ...link, ...busConfig }, `devices.${device.id}.bus`)
  return { decoder, decoderConfig: decoderChecked, bus, busConfig: busChecked }
}

/** Name of the device that the gateway itself is. */
export const healthDevice = ({ node, health }: AgentConfig) => health.device ?? `${node}-gateway`

/** Checks all of it, devices included. @throws MillraceError CONFIG_INVALID */
export function checkDevices(config: AgentConfig): void {
  const seen = new Set<string>(config.health.everyMs > 0 ? [healthDevice(config)] : [])
  for (const device of config.devices) {
    if (seen.has(device.id))
      throw new MillraceError('CONFIG_INVALID', { path: 'devices', detail: `two devices are called ${device.id}` })
    seen.add(device.id)
    resolveDevice(device)
  }
}
