/** Configuration of the rules on the gateway. */
import { type AtEdge, atEdge, isFor, type RuleFile, ruleFileSchema } from '@millrace/alarms'
import type { Channel } from '@millrace/contract'
import { checkConfig, loadConfig } from '@millrace/platform'
import { z } from 'zod'
import { receiverSchema } from './notifiers/index.ts'

export const rulesSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe('Rule file, or configuration of a processor that has its rules under `rules`: the same rules as in the cloud'),
  to: z
    .array(receiverSchema)
    .max(20)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two receivers have the same name')
    .default([])
    .describe('Who is told on the site, link or not. Each is told of every alarm, on its own'),
  timeoutMs: z.int().min(100).default(5000).describe('How long a receiver may take for one message'),
  retryMsMax: z.int().min(100).default(10_000).describe('Longest wait before a failed one is sent again'),
})
export type RulesConfig = z.infer<typeof rulesSchema>

/** @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID naming each key and value at fault. */
export function loadRules({ file }: RulesConfig, env: NodeJS.ProcessEnv): AtEdge {
  const content = loadConfig(z.record(z.string(), z.unknown()), file, env)
  const { rules } = content
  const raw = rules === undefined || Array.isArray(rules) ? content : rules
  return atEdge(checkConfig(ruleFileSchema, raw, file))
}

export interface Watched {
  id: string
  channels: Channel[]
}

/** An alarm is to be raised within a second. */
const commitEveryMsMax = 500

/** What may surprise: rules that are not judged here, or judge nothing, and what comes late. */
export function surprises({ file, left }: AtEdge, devices: Watched[], commitEveryMs: number): string[] {
  const unwatched = file.rules.filter((rule) => !devices.some((device) => watches(rule, device)))
  return [
    ...left.map(({ rule, why }) => `rules: ${rule} is judged in the cloud alone: ${why}`),
    ...unwatched.map(
      ({ name, channel }) => `rules: ${name} watches nothing here: no device that it is for has a channel ${channel}`,
    ),
    ...(commitEveryMs > commitEveryMsMax
      ? [
          `commitEveryMs: with ${commitEveryMs} an alarm is raised and told up to ${commitEveryMs / 1000} s late; set it to ${commitEveryMsMax} or less`,
        ]
      : []),
  ]
}

function watches(rule: RuleFile['rules'][number], { id, channels }: Watched): boolean {
  return isFor(rule, id) && channels.some(({ name }) => name === rule.channel)
}
