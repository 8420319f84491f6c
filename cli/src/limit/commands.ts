/** `millrace limit`. */
import { readArguments } from '@millrace/platform'
import { actorOf } from '../actor.ts'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'

const many = { type: 'string', multiple: true } as const
const options = {
  ...asking,
  device: many,
  subject: many,
  group: many,
  for: { type: 'string' },
  until: { type: 'string' },
  permanent: { type: 'boolean' },
  by: { type: 'string' },
  reason: { type: 'string' },
  id: { type: 'string' },
} as const

export const limitCommands: Record<string, Command> = {
  limit: {
    usage: '<set|list|clear>',
    purpose: 'other limits of a rule for some devices, subjects or groups, until a time or for good; every one has a reason',
    async run(args) {
      const words = ['set <rule> <key=number> ...', 'list', 'clear <id>']
      const { values, positionals, refuse } = readArguments({ call: 'millrace limit', words, args }, options)
      const [what, first, ...rest] = positionals
      const api = apiOf(values)
      const { keysOf, printLimits, saidOf, whomOf } = await import('./limit.ts')
      if (what === 'list') {
        const view = await api.limits()
        print(values.json, view, () => printLimits(view))
        return 0
      }
      const by = actorOf(values.by)
      const { reason } = values
      if (what === 'clear') {
        await api.order('/api/limits/end', { id: first, by, ...(reason ? { reason } : {}) })
        print(values.json, { id: first }, () => `cleared  ${first}`)
        return 0
      }
      if (!reason) return refuse('--reason is missing: people see why the limit is another one')
      const { untilMsOf } = await import('../durations.ts')
      const isTimed = values.for !== undefined || values.until !== undefined
      if (values.permanent === isTimed || (!values.permanent && !isTimed))
        return refuse('Name --for <duration> or --until <time>, or --permanent')
      const untilMs = values.permanent ? undefined : untilMsOf(values, Date.now())
      const order = {
        ...{ by, reason, rule: first, ...whomOf(values), keys: keysOf(rest) },
        ...(untilMs === undefined ? {} : { untilMs }),
        ...(values.id ? { id: values.id } : {}),
      }
      const made = await api.order<{ id: string }>(`/api/limits${values.permanent ? '/permanent' : ''}`, order)
      print(values.json, made, () => saidOf(made.id, untilMs))
      return 0
    },
  },
}
