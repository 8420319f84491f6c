/**
 * One text that holds what a gateway needs to know of its broker, to be pasted: `millrace1.` and JSON in base64url. A
 * password or the secret of an enrolment is in it: it is to be passed on as one.
 */
import { MillraceError } from '@millrace/platform'
import { z } from 'zod'

const prefix = 'millrace1.'

const joinSchema = z.strictObject({
  url: z.string(),
  group: z.string(),
  node: z.string(),
  host: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  /** PEM of the authority. */
  ca: z.string().optional(),
  /** How the gateway gets a certificate instead of a password. */
  enrolment: z
    .strictObject({
      /** `https://host:port` of the authority. */
      url: z.string(),
      /** SHA-256 of its certificate, hexadecimal: nobody else is told the secret. */
      fingerprint: z.string(),
      /** Good for one certificate. */
      secret: z.string(),
    })
    .optional(),
})

/** How a gateway joins its broker. */
export type Join = z.infer<typeof joinSchema>
export type Enrolment = NonNullable<Join['enrolment']>

export const isToken = (text: string) => text.startsWith(prefix)

export function makeToken(join: Join): string {
  return prefix + Buffer.from(JSON.stringify(join)).toString('base64url')
}

/** @throws MillraceError AGENT_SETUP */
export function readToken(text: string): Join {
  try {
    return joinSchema.parse(JSON.parse(Buffer.from(text.slice(prefix.length), 'base64url').toString()))
  } catch (cause) {
    throw new MillraceError('AGENT_SETUP', { detail: 'the token is incomplete or altered' }, cause)
  }
}
