/** The broker's configuration: every key with its default, its unit and, for a limit, what happens at it. */
import { isLoopback, MillraceError, metricsEndpointSchema } from '@millrace/platform'
import { z } from 'zod'

const count = (value: number, says: string) => z.int().min(1).default(value).describe(says)
const countOrOff = (value: number, says: string) => z.int().min(0).default(value).describe(`${says} 0: without limit.`)

const limitsSchema = z.strictObject({
  packetBytes: count(
    262_144,
    'Largest packet of a client, header included. A larger one closes its connection. Batches of our agents stay below 64 KiB.',
  ),
  connectBytes: count(8_192, 'Largest CONNECT, will and password included. A larger one closes its connection.'),
  connectTimeoutMs: count(5_000, 'Time from the TCP connection to a whole CONNECT; later the connection is closed.'),
  preAuthConnections: count(256, 'Connections whose user is not yet known. At it, the one that waited longest is closed.'),
  connectionsPerAddress: countOrOff(1_000, 'Connections from one IP address. At it, a new one is closed.'),
  clients: count(5_000, 'Clients connected. At it, a new one gets CONNACK 3 (server unavailable).'),
  clientsPerUser: countOrOff(1_000, 'Clients of one user. At it, a new one gets CONNACK 3 (server unavailable).'),
  inflight: count(100, 'QoS 2 messages of one client that await its PUBREL. One more closes its connection.'),
  outboundBufferBytes: count(
    4_194_304,
    'Bytes that wait for one client. From half of it on, who publishes to that client waits; at it, every publisher waits.',
  ),
  slowConsumerMs: count(
    2_000,
    'A client with more than half of outboundBufferBytes waiting must take that half in this time, or is disconnected.',
  ),
  subscriptionsPerClient: count(100, 'Filters of one client. One more is answered with SUBACK 0x80.'),
  topicBytes: count(1_024, 'Longest topic or filter. A longer one closes the connection.'),
  topicLevels: z.int().min(1).max(100).default(32).describe('Most levels of a topic or filter. More close the connection.'),
  publishesPerSecond: countOrOff(0, "Messages a second of one client. At it, the client's socket is not read for a while."),
  sessions: count(
    1_000,
    'Sessions kept for clients that asked for it. At it, of the user that has most the one away longest is forgotten.',
  ),
  offlineMessages: count(10_000, 'QoS 1 and 2 messages kept for one session. At it, the oldest is dropped and counted.'),
  offlineBytes: count(16_777_216, 'Payload bytes kept for one session. At it, the oldest message is dropped and counted.'),
  retainedMessages: count(10_000, 'Retained messages. At it, a new topic is delivered but not retained, and counted.'),
  retainedBytes: count(67_108_864, 'Payload bytes retained. At it, as for retainedMessages.'),
})

export const brokerSchema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on. Off loopback it needs tls and users.'),
      port: z.int().min(0).max(65_535).default(1883).describe('TCP port; 0 takes a free one.'),
    })
    .prefault({}),
  websocket: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on. Off loopback it needs tls and users.'),
      port: z.int().min(0).max(65_535).default(8083).describe('TCP port; 0 takes a free one.'),
      path: z.string().startsWith('/').default('/mqtt').describe('Path of the URL.'),
      origins: z
        .array(z.string())
        .default([])
        .describe('Web pages that may connect, such as https://ward.example. Others are refused; programs send no origin.'),
    })
    .optional()
    .describe('MQTT over WebSocket: wss:// with tls, else ws://. Absent: none.'),
  tls: z
    .strictObject({
      certFile: z.string().describe('Certificate chain, PEM.'),
      keyFile: z.string().describe('Private key, PEM.'),
      clientCaFile: z
        .string()
        .optional()
        .describe(
          'Authority of client certificates, PEM. A client with one is the user of its common name; as `group/node` it needs no entry in `users`. Absent: none are asked for.',
        ),
      revokedFile: z
        .string()
        .optional()
        .describe('List of revoked client certificates, as `millrace ca` writes it. Read again when it changes. Absent: none.'),
    })
    .optional()
    .describe('Encrypts the listener, TLS 1.2 or later. Absent: plain TCP, on loopback only.'),
  users: z.string().optional().describe('File of users, see `millrace-broker passwd`. Read again when it changes.'),
  dangerouslyAllowAnonymous: z
    .boolean()
    .default(false)
    .describe(
      'Lets clients in without a user name, with every right of an admin: all topics, commands to agents and $SYS too. On loopback only; the broker warns at its start. A user name and password that are sent are checked against `users`; without `users` they are ignored.',
    ),
  store: z
    .strictObject({
      path: z.string().describe('SQLite file of persistent sessions and what they are owed'),
      messagesMax: count(
        1_000_000,
        'Messages owed to all sessions. At it a publisher waits for its PUBACK until others are acknowledged.',
      ),
      bytesMax: z
        .int()
        .min(1 << 20)
        .default(268_435_456)
        .describe('Topics and payloads owed to all sessions. At it, as for messagesMax.'),
      windowMessages: z
        .int()
        .min(1)
        .max(16_384)
        .default(1_000)
        .describe('Messages sent to one session and not acknowledged. At it the next wait in the file.'),
      windowBytes: count(1_048_576, 'Their bytes. At it, as for windowMessages.'),
      willsAfterMs: z
        .int()
        .min(0)
        .default(30_000)
        .describe(
          'After a start: how long clients that were connected when the broker ended may take to return. Then their wills are published.',
        ),
    })
    .optional()
    .describe(
      'Keeps persistent sessions, messages of QoS 1 and 2 for them, and retained messages on disk before the PUBACK, and wills; limits.offline* do not count then. Absent: in memory, gone with the broker.',
    ),
  metrics: metricsEndpointSchema.describe('The metrics endpoint: /health and /metrics.'),
  limits: limitsSchema.prefault({}).describe('What the broker holds at most, and what it does then.'),
})

export type BrokerConfig = z.infer<typeof brokerSchema>
export type BrokerLimits = BrokerConfig['limits']

/** @throws MillraceError LISTENER_NOT_LOOPBACK when strangers could reach a listener that does not keep them out. */
export function checkListener({ listen, websocket, tls, users, dangerouslyAllowAnonymous }: BrokerConfig): void {
  const host = [listen, websocket].find((listener) => listener && !isLoopback(listener.host))?.host
  if (host === undefined) return
  const hasCredentials = (users ?? tls?.clientCaFile) !== undefined && !dangerouslyAllowAnonymous
  const missing = [tls ? '' : 'TLS', hasCredentials ? '' : 'credentials'].filter(Boolean).join(' and ')
  if (missing) throw new MillraceError('LISTENER_NOT_LOOPBACK', { host, missing })
}
