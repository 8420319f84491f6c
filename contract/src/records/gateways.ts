/**
 * Remote care of gateways, as JSON text in two metrics: orders go to a gateway in `Node Control/Order` of an NCMD message, and it reports
 * in `Millrace/Report` of an NDATA message called `millrace-report`. Both may be lost: an order is sent until a report answers it, and what
 * an order asks for twice is done once. See docs/remote.md.
 */
import { z } from 'zod'
import { epochMs, format, kind, node, subject } from './fields.ts'

/** Most bytes of a configuration, so that its message stays below the packet limits of brokers. */
export const configurationBytesMax = 64 * 1024

const host = z.string().describe('Sparkplug host application that orders.')
const version = z.int().min(0).describe('Of a configuration: a newer one has a higher version. 0: the file on the gateway.')
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of a text, in hex.')
const id = z
  .string()
  .regex(/^[\w-]{1,64}$/)
  .describe('Of the order; a gateway does what has one id once.')
const expiresMs = epochMs('By the processor’s clock; a gateway does not do what reaches it later')

export const gatewayCommands = ['status', 'rebirth', 'restart', 'capture'] as const

export const gatewayOrder = z.discriminatedUnion('k', [
  z.object({
    f: format,
    k: kind('configuration'),
    host,
    version,
    hash,
    text: z.string().describe('The keys that may be changed remotely, YAML.'),
    over: hash.describe('SHA-256 of the file on the gateway as its author saw it. Another one there is a drift, and refused.'),
  }),
  z.object({ f: format, k: kind('check'), host, id, expiresMs, text: z.string().describe('Is only checked, not applied.') }),
  z.object({
    f: format,
    k: kind('confirm'),
    host,
    version,
    trial: z.string().describe('Id of the trial in the report that this answers.'),
  }),
  z.object({
    f: format,
    k: kind('command'),
    host,
    id,
    expiresMs,
    command: z.enum(gatewayCommands).describe('What to do.'),
    device: z.string().optional().describe('Of `capture`.'),
    seconds: z.number().min(1).max(60).optional().describe('Of `capture`: for how long.'),
  }),
  z.object({ f: format, k: kind('report'), host }).describe('Asks for a report with the texts.'),
])

const outcome = z.object({
  version,
  hash,
  state: z
    .enum(['refused', 'applying', 'confirmed', 'rolled-back'])
    .describe('`applying`: it runs, and goes back to the one before unless it is confirmed in time.'),
  detail: z.string().optional().describe('Why it was refused or rolled back, naming the key.'),
  trial: z.string().optional().describe('Of `applying`: what a confirmation has to name.'),
})

const answer = z.object({
  id,
  state: z.enum(['done', 'refused', 'expired', 'failed']).describe('What became of the order.'),
  detail: z.string().optional().describe('Why, for people.'),
  data: z.unknown().optional().describe('What was asked for.'),
})

export const gatewayReport = z
  .object({
    f: format,
    local: hash.describe('SHA-256 of the file on the gateway.'),
    running: z.object({ version, hash }).describe('The configuration in force.'),
    drift: z.boolean().describe('The file on the gateway was edited after the newest confirmed configuration was made over it.'),
    takes: z
      .object({ configuration: z.boolean().describe('Configurations.'), commands: z.boolean().describe('Commands.') })
      .describe('What the gateway takes from afar.'),
    why: z.string().optional().describe('Why it does not take them.'),
    newest: outcome.optional().describe('What became of the newest configuration that came.'),
    answer: answer.optional().describe('To a check or a command.'),
    text: z
      .string()
      .optional()
      .describe('The configuration in force, as far as it may be changed remotely. Where it was asked for.'),
    localText: z.string().optional().describe('The same of the file on the gateway, where another one is in force.'),
  })
  .describe('Metric `Millrace/Report`, String: how the configuration of a gateway is, and answers to orders.')

export const gatewayOnTimeline = z
  .object({
    f: format,
    k: kind('gateway'),
    subject: subject.describe('The edge node. The record’s key.'),
    node,
    receivedMs: epochMs('When the message arrived at the processor'),
    report: gatewayReport,
  })
  .describe('A gateway reports on its configuration, or answers an order.')

export type GatewayOrder = z.infer<typeof gatewayOrder>
export type GatewayCommand = Extract<GatewayOrder, { k: 'command' }>
export type ConfigurationOrder = Extract<GatewayOrder, { k: 'configuration' }>
/** NDATA `Millrace/Report`. */
export type GatewayReport = z.infer<typeof gatewayReport>
export type ConfigurationOutcome = z.infer<typeof outcome>
export type OrderAnswer = z.infer<typeof answer>
export type GatewayRecord = z.infer<typeof gatewayOnTimeline>
