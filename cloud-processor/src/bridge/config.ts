import { credentialsInClear, keepsCredentials } from '@millrace/platform'
import { z } from 'zod'

const section = z.strictObject({
  url: z
    .string()
    .regex(/^mqtts?:\/\/./)
    .default('mqtt://127.0.0.1:1883')
    .describe('Address of the MQTT broker: mqtt:// or mqtts://'),
  username: z.string().optional().describe('Name of the broker account with the role `host`'),
  password: z.string().optional().describe('Its password; better in passwordFile'),
  passwordFile: z.string().optional().describe('File whose first line is the password'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Sends the password to a broker that is not on loopback without TLS: anybody on the way reads it, and may use it'),
  caFile: z.string().optional().describe('PEM of the authority that signed the broker’s certificate (mqtts://)'),
  host: z
    .string()
    .regex(/^[^+#/]+$/)
    .default('millrace')
    .describe('Sparkplug host id; the agents obey receipts of this host only'),
  clientId: z.string().default('millrace-processor').describe('MQTT client id; the session of plain devices adds `-plain`'),
  share: z
    .enum(['nodes', 'broker'])
    .default('nodes')
    .describe(
      'How bridges on one log share the load. `nodes`: each hears everything and takes the nodes that are its own; any broker. `broker`: by a shared subscription (MQTT 5 or Mosquitto), for nodes with receipts only',
    ),
  receiptEveryMs: z.number().int().min(1).default(5).describe('Receipts to one node are gathered for this long'),
  lingerMs: z
    .number()
    .min(0)
    .default(10)
    .describe('Between two reads from a busy broker connection, whose messages go into one append: latency against CPU'),
  lagMsMax: z
    .number()
    .int()
    .min(1)
    .default(250)
    .describe('Above this lag from raw to rules live data goes first: backlog is taken at its guaranteed minimum only'),
  backlogBytesPerSecondMin: z
    .number()
    .int()
    .min(1024)
    .default(256 << 10)
    .describe('Backlog that this bridge takes in any case: a backlog of B bytes is taken within B divided by this seconds'),
  creditBytes: z
    .number()
    .int()
    .min(0)
    .default(2 << 20)
    .describe('Backlog bytes that one agent may have in flight'),
  queueBytesMax: z
    .number()
    .int()
    .min(1024)
    .default(32 << 20)
    .describe('Messages waiting for the log; at the bound they are dropped without a receipt'),
  appendsUnderway: z.number().int().min(1).default(2).describe('Groups of messages being written at once'),
  plain: z
    .array(z.string())
    .default([])
    .describe('Further topic filters of plain MQTT devices; those of `devices` are subscribed to without being named here'),
})
export const bridgeSchema = section.refine(
  ({ password, passwordFile, ...bridge }) => keepsCredentials(bridge, [password, passwordFile]),
  credentialsInClear,
)
export type BridgeConfig = z.infer<typeof bridgeSchema>
