/**
 * Sends each notification as an e-mail by SMTP. The Message-ID is made from its key, so that a repeat after a kill is the same message to
 * what looks at it; `X-Millrace-Key` has the key itself.
 */
import { createHash } from 'node:crypto'
import { addressKeys, isAllowedHost, isLoopback, linkLocalRefused, MillraceError, readSecret } from '@millrace/platform'
import { createTransport } from 'nodemailer'
import { z } from 'zod'
import { refuseAddress } from '../host.ts'
import { subjectOf, textOf } from '../message.ts'
import type { Notification, NotifierPlugin } from '../notifier.ts'

const section = z.strictObject({
  kind: z.literal('email'),
  name: z.string().min(1).max(100).default('email').describe('Unique among the receivers.'),
  url: z
    .url({ protocol: /^smtps?$/ })
    .describe('Of the mail server: smtp://mail.example:587 (STARTTLS) or smtps://mail.example:465.'),
  from: z.email().describe('Address of the sender.'),
  to: z.array(z.email()).min(1).max(50).describe('Addresses that get each message.'),
  user: z.string().optional().describe('User at the mail server.'),
  passwordFile: z.string().optional().describe('File with the password, read at every sending so that it can rotate.'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Sends to another machine without TLS where it offers none: anybody on the way reads it.'),
  ...addressKeys,
})
const schema = section.refine(isAllowedHost, linkLocalRefused)
type Config = z.infer<typeof schema>

export const email: NotifierPlugin<Config> = {
  kind: 'email',
  schema,
  create: (config, { target, pageUrl }) => ({
    async send(notification, signal) {
      signal.throwIfAborted()
      await mail(config, notification, { target, pageUrl, signal }).catch((cause) => {
        const { responseCode, message } = cause as { responseCode?: number; message?: string }
        const code = refusals.has(responseCode ?? 0) ? 'NOTIFY_REFUSED' : 'NOTIFY_UNREACHABLE'
        throw new MillraceError(code, { target, detail: message ?? `${cause}` }, cause)
      })
    },
  }),
}

/** RFC 5321, 4.2.3: this message, or one to these addresses, is not wanted. A wrong password may be corrected: that is tried again. */
const refusals = new Set([550, 551, 552, 553, 554])

interface Sending {
  target: string
  pageUrl: string | undefined
  signal: AbortSignal
}

async function mail(config: Config, notification: Notification, { target, pageUrl, signal }: Sending): Promise<void> {
  await refuseAddress(config)
  const transport = createTransport(optionsOf(config, target))
  const close = () => transport.close()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    const { key } = notification
    const id = createHash('sha256').update(key).digest('hex').slice(0, 32)
    const sending = transport.sendMail({
      ...{ from: config.from, to: config.to, subject: subjectOf(notification), text: textOf(notification, pageUrl) },
      messageId: `<${id}@${config.from.split('@')[1]}>`,
      headers: { 'X-Millrace-Key': encodeURI(key.toWellFormed()), 'Auto-Submitted': 'auto-generated' },
    })
    await Promise.race([sending, aborted])
  } finally {
    close()
  }
}

function optionsOf({ url, user, passwordFile, insecure }: Config, target: string) {
  const { hostname, port, protocol } = new URL(url)
  const isSecure = protocol === 'smtps:'
  const pass = passwordFile === undefined ? '' : readSecret(passwordFile, `${target}.passwordFile`)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (isSecure ? 465 : 587),
    secure: isSecure,
    requireTLS: !isSecure && !insecure && !isLoopback(hostname),
    connectionTimeout: 10_000,
    ...(user === undefined ? {} : { auth: { user, pass } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}
