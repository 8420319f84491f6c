/** What every webhook has: where it is, with which credentials it is called, and what the answer means. */
import { z } from 'zod'
import { credentialsInClear, keepsCredentials } from './clear-text.ts'
import { MillraceError } from './errors.ts'
import { addressKeys, isAllowedHost, linkLocalRefused } from './inside.ts'
import { post } from './post.ts'
import { readSecret } from './secret-file.ts'

const section = z.strictObject({
  kind: z.literal('webhook'),
  name: z.string().min(1).max(100).default('webhook').describe('Unique among the receivers; `receiver` in the payload.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where to POST.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers. Not for secrets: see tokenFile.'),
  tokenFile: z.string().optional().describe('File with a bearer token, read at every sending so that it can rotate.'),
  insecure: z.boolean().default(false).describe('Sends the token to another machine without TLS: anybody on the way reads it.'),
  ...addressKeys,
})
export const webhookSchema = section
  .refine(({ tokenFile, ...webhook }) => keepsCredentials(webhook, [tokenFile]), credentialsInClear)
  .refine(isAllowedHost, linkLocalRefused)
export type WebhookConfig = z.infer<typeof webhookSchema>
/** Whichever kind of receiver it is of. */
type Where = Omit<WebhookConfig, 'kind'>

/**
 * POSTs JSON under a key that is the same in every repeat: the header `Idempotency-Key`, percent-encoded where it is not ASCII.
 *
 *     2xx                         taken
 *     4xx other than 408 and 429  refused: NOTIFY_REFUSED
 *     anything else, or nothing   NOTIFY_UNREACHABLE
 */
export async function postWebhook(config: Where, message: { key: string; body: unknown }, signal: AbortSignal) {
  const { name: target } = config
  const status = await send(config, message, signal)
  if (status >= 200 && status < 300) return
  const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429
  throw new MillraceError(isRefused ? 'NOTIFY_REFUSED' : 'NOTIFY_UNREACHABLE', { target, detail: `HTTP ${status}` })
}

async function send(
  { name: target, url, headers, tokenFile, ...allowed }: Where,
  { key, body }: { key: string; body: unknown },
  signal: AbortSignal,
): Promise<number> {
  try {
    const token = tokenFile === undefined ? undefined : readSecret(tokenFile, `${target}.tokenFile`)
    const own = {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      'idempotency-key': encodeURI(key.toWellFormed()),
    }
    return await post({ url, headers: own, body: JSON.stringify(body), signal, allowed })
  } catch (cause) {
    throw new MillraceError('NOTIFY_UNREACHABLE', { target, detail: detailOf(cause) }, cause)
  }
}

/** The code says it in a word; a refused address has none. */
function detailOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return code ?? message ?? `${error}`
}
