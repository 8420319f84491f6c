import { credentialsInClear, keepsCredentials } from '@millrace/platform'
import { z } from 'zod'

const MiB = 1024 * 1024

const section = z.strictObject({
  url: z.string().default('mqtt://127.0.0.1:1883').describe('Broker: mqtt://, mqtts://, ws:// or wss://'),
  clientId: z.string().optional().describe('MQTT client id; by default made of group and node'),
  username: z.string().optional().describe('User of the broker'),
  password: z.string().optional().describe('Password of the broker; better in the file `passwordFile`'),
  passwordFile: z.string().optional().describe('File with the password of the broker'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Sends the password to a broker that is not on loopback without TLS: anybody on the way reads it, and may use it'),
  caFile: z.string().optional().describe('PEM file with the authority that signed the certificate of the broker'),
  certFile: z.string().optional().describe('PEM file with the certificate of this agent'),
  keyFile: z.string().optional().describe('PEM file with the key of this agent'),
  enrolment: z
    .strictObject({
      url: z.url({ protocol: /^https$/ }).describe('Endpoint of the authority, https://host:port; caFile must know it'),
    })
    .optional()
    .describe(
      'The agent has a certificate of `millrace ca`, keeps it in dataDir and renews it. Written by `setup`; instead of certFile and keyFile',
    ),
  keepaliveSeconds: z.int().min(1).default(10).describe('A connection silent for one and a half times this is dead'),
  connectMsMax: z.number().min(100).default(5000).describe('Time for a connection to be made'),
  reconnectMsMin: z.number().min(1).default(500).describe('First wait before connecting again; it doubles'),
  reconnectMsMax: z.number().min(1).default(30_000).describe('Longest wait before connecting again'),
  receipts: z
    .boolean()
    .default(true)
    .describe(
      'False for a foreign Sparkplug host, which sends none: a batch is freed when it was sent, whether or not it arrives. In both cases nothing is sent, births neither, while STATE of `host` says offline; a host that never says STATE counts as online. Without receipts a birth is sent once in a session, and again when the host asks for a rebirth; with receipts again until its receipt comes',
    ),
  windowBatches: z.int().min(1).default(256).describe('Most batches sent and not yet receipted'),
  windowBytes: z
    .int()
    .min(1024)
    .default(4 * MiB)
    .describe('Most bytes sent and not yet receipted'),
  backlogShare: z.number().min(0.01).max(1).default(0.5).describe('Share of the window that the backlog may take'),
  resendMs: z.number().min(10).default(2000).describe('A batch without its receipt is sent again after this long; it doubles'),
  resendMsMax: z.number().min(10).default(60_000).describe('Longest wait before a batch is sent again'),
  poisonSends: z
    .int()
    .min(2)
    .default(5)
    .describe('A batch sent this often in vain, while others get their receipts, is sent alone and then set aside'),
  bufferBytesMax: z
    .int()
    .min(1024)
    .default(256 * 1024)
    .describe('Bytes in the buffer of the socket at which sending pauses'),
})

/** The connection to the broker, and how much may be on its way. */
export const uplinkSchema = section
  .refine(({ password, passwordFile, ...uplink }) => keepsCredentials(uplink, [password, passwordFile]), credentialsInClear)
  .refine(({ enrolment, certFile, keyFile }) => !enrolment || (certFile ?? keyFile) === undefined, {
    path: ['enrolment'],
    message: 'with it the agent keeps its certificate itself: take certFile and keyFile out',
  })

export type UplinkOptions = z.infer<typeof uplinkSchema>
