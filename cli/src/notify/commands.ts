/** `millrace notify`. */
import { join } from 'node:path'
import { createLog, loadConfig, readArguments, systemClock } from '@millrace/platform'
import { data, json, print } from '../asking.ts'
import type { Command } from '../command.ts'

export const notifyCommands: Record<string, Command> = {
  notify: {
    usage: 'test <receiver>',
    purpose:
      'sends a test message to a receiver of the configuration, from here, and says what came back; 1 when it was not taken',
    async run(args) {
      const options = { data, json, config: { type: 'string' } } as const
      const { values, positionals } = readArguments({ call: 'millrace notify', words: ['test <receiver>'], args }, options)
      const { processorSchema } = await import('@millrace/cloud-processor/config')
      const { testReceiver } = await import('@millrace/cloud-processor/rules')
      const { notifier } = loadConfig(processorSchema, values.config ?? join(values.data, 'processor.yaml'), process.env)
      const outcome = await testReceiver(notifier, positionals[1]!, { clock: systemClock, log: createLog('notify') })
      print(values.json, outcome, () =>
        outcome.isTaken ? `taken    by ${outcome.receiver} after ${outcome.tookMs} ms` : `failed   ${outcome.error}`,
      )
      return outcome.isTaken ? 0 : 1
    },
  },
}
