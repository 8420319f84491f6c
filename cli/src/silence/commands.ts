/** `millrace silence`. */
import { readArguments } from '@millrace/platform'
import { actorOf } from '../actor.ts'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'

const many = { type: 'string', multiple: true } as const
const options = {
  ...asking,
  priority: many,
  rule: many,
  device: many,
  subject: many,
  channel: many,
  group: many,
  technical: { type: 'boolean' },
  physiological: { type: 'boolean' },
  for: { type: 'string' },
  until: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  id: { type: 'string' },
} as const

export const silenceCommands: Record<string, Command> = {
  silence: {
    usage: '<add|list|end>',
    purpose: 'nobody is told of alarms that match, until a time; every silence has a reason and shows who made it',
    async run(args) {
      const words = ['add', 'list', 'end <id>']
      const { values, positionals, refuse } = readArguments({ call: 'millrace silence', words, args }, options)
      const [what, id] = positionals
      const api = apiOf(values)
      const { matchersOf, printSilences } = await import('./silence.ts')
      const { untilMsOf } = await import('../durations.ts')
      if (what === 'list') {
        const silences = await api.silences()
        print(values.json, silences, () => printSilences(silences))
        return 0
      }
      const by = actorOf(values.by)
      const { reason } = values
      if (what === 'end') {
        await api.order('/api/silences/end', { id, by, ...(reason ? { reason } : {}) })
        print(values.json, { id }, () => `ended    ${id}`)
        return 0
      }
      if (!reason) return refuse('--reason is missing: people see why nobody was told')
      const order = {
        by,
        reason,
        matchers: matchersOf(values),
        untilMs: untilMsOf(values, Date.now()),
        ...(values.id ? { id: values.id } : {}),
      }
      const made = await api.order<{ id: string }>('/api/silences', order)
      print(values.json, made, () => `silenced ${made.id} until ${new Date(order.untilMs).toISOString()}`)
      return 0
    },
  },
}
