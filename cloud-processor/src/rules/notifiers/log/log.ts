/** Writes each notification as a line of the process's own log: for trying rules out, and beside a real receiver. */
import { z } from 'zod'
import type { NotifierPlugin } from '../notifier.ts'

const schema = z.strictObject({
  kind: z.literal('log'),
  name: z.string().min(1).max(100).default('log').describe('Unique among the receivers.'),
})

export const log: NotifierPlugin<z.infer<typeof schema>> = {
  kind: 'log',
  schema,
  create: (_config, { log }) => ({
    async send({ key, alarm }, signal) {
      signal.throwIfAborted()
      const { change, priority, device, subject, text } = alarm
      log.info(`alarm ${change}: ${text}`, { key, priority, device, subject })
    },
  }),
}
