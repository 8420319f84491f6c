/** How the brokers of a Kafka are reached: the configuration that the log and the sink on Kafka have in common. */
import { readFileSync } from 'node:fs'
import { isLoopback, MillraceError, readSecret } from '@millrace/platform'
import { z } from 'zod'

const tlsSchema = z.strictObject({
  caFile: z.string().optional().describe('PEM of the authority that signed the brokers’ certificates; absent: the system’s'),
  certFile: z.string().optional().describe('PEM of this processor’s own certificate, where the brokers ask for one'),
  keyFile: z.string().optional().describe('PEM of its key'),
  serverName: z.string().optional().describe('Name in the brokers’ certificates, where it is not their address'),
})

const saslSchema = z
  .strictObject({
    mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512').describe('How to log in'),
    username: z.string().describe('Name of the account; `$ConnectionString` for Event Hubs'),
    password: z.string().optional().describe('Its password; better in passwordFile'),
    passwordFile: z
      .string()
      .optional()
      .describe('File whose first line is the password; read at every connection, so that it can rotate'),
  })
  .refine((sasl) => (sasl.password === undefined) !== (sasl.passwordFile === undefined), {
    path: ['passwordFile'],
    error: 'give either password or passwordFile',
  })

/** Keys of the connection, to be spread into the schema of a plug-in. */
export const connectionKeys = {
  brokers: z
    .array(z.string().regex(/^.+:\d+$/, 'is not host:port'))
    .min(1)
    .default(['127.0.0.1:9092'])
    .describe('Addresses host:port to begin with; the cluster names the others'),
  clientId: z.string().default('millrace').describe('Name of this client in Kafka’s own logs and quotas'),
  tls: tlsSchema.optional().describe('Encrypts every connection. Needed for brokers that are not on loopback'),
  sasl: saslSchema.optional().describe('Logs in to the brokers'),
  insecurePlaintext: z
    .boolean()
    .default(false)
    .describe('Talks to brokers that are not on loopback without TLS: anybody on the way reads and changes everything'),
  requestMs: z.int().min(500).default(10_000).describe('A request without an answer for this long has failed'),
}

export type ConnectionConfig = z.output<z.ZodObject<typeof connectionKeys>>
type Tls = NonNullable<ConnectionConfig['tls']>
type Sasl = NonNullable<ConnectionConfig['sasl']>

export function addressOf(broker: string): { host: string; port: number } {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) }
}

/** Only brokers on loopback may be talked to. */
export function isLoopbackOnly({ tls, insecurePlaintext }: Pick<ConnectionConfig, 'tls' | 'insecurePlaintext'>): boolean {
  return !tls && !insecurePlaintext
}

/** The first broker to which it would not be safe to connect. */
export function unsafeBroker(config: ConnectionConfig): string | undefined {
  return isLoopbackOnly(config) ? config.brokers.find((broker) => !isLoopback(addressOf(broker).host)) : undefined
}

/** The first tries of each connection end well before a request does. */
export const connectMs = ({ requestMs }: Pick<ConnectionConfig, 'requestMs'>) => Math.min(5000, requestMs)

/** `key` is where the configuration stands, such as `log.tls`. @throws MillraceError CONFIG_INVALID */
export function readTls({ caFile, certFile, keyFile }: Tls, key: string) {
  return {
    ca: pemOf(caFile, `${key}.caFile`),
    cert: pemOf(certFile, `${key}.certFile`),
    key: pemOf(keyFile, `${key}.keyFile`),
  }
}

/** @throws MillraceError CONFIG_INVALID */
export function readPassword({ password, passwordFile }: Sasl, key: string): string {
  return password ?? readSecret(passwordFile!, `${key}.passwordFile`)
}

function pemOf(path: string | undefined, key: string): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', { path: key, detail: `cannot read ${path}` }, cause)
  }
}
