/** What notifiers by HTTP share: their keys, and the POST of every webhook (`platform/src/webhook.ts`). */
import {
  addressKeys,
  credentialsInClear,
  isAllowedHost,
  keepsCredentials,
  linkLocalRefused,
  postWebhook,
} from '@millrace/platform'
import { z } from 'zod'

export const httpKeys = {
  url: z.url({ protocol: /^https?$/ }).describe('Where to POST.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers. Not for secrets: see tokenFile.'),
  tokenFile: z.string().optional().describe('File with a bearer token, read at every sending so that it can rotate.'),
  insecure: z.boolean().default(false).describe('Sends the token to another machine without TLS: anybody on the way reads it.'),
  ...addressKeys,
}
type HttpConfig = z.infer<z.ZodObject<typeof httpKeys>>

/** The section, with what its address may be. */
export function guarded<S extends z.ZodType<HttpConfig>>(section: S): S {
  return section
    .refine(({ tokenFile, ...rest }) => keepsCredentials(rest, [tokenFile]), credentialsInClear)
    .refine(isAllowedHost, linkLocalRefused)
}

export interface Delivery {
  target: string
  /** Of the notification: the header `Idempotency-Key`, percent-encoded where it is not ASCII. */
  key: string
  body: unknown
  signal: AbortSignal
}

/** @throws MillraceError NOTIFY_REFUSED, NOTIFY_UNREACHABLE */
export function deliver(config: HttpConfig, { target, key, body, signal }: Delivery): Promise<void> {
  const { url, headers, tokenFile, insecure, allowLinkLocal, allowInside } = config
  return postWebhook({ name: target, url, headers, tokenFile, insecure, allowLinkLocal, allowInside }, { key, body }, signal)
}

/** The code says it in a word; a refused address has none. */
export function detailOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return code ?? message ?? `${error}`
}
