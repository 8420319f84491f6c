/** `millrace notify`. */
import { join } from 'node:path'
import type { DeadLetter, SentAgain } from '@millrace/cloud-processor/rules'
import { createLog, loadConfig, readArguments, systemClock } from '@millrace/platform'
import { data, json, print } from '../asking.ts'
import type { Command } from '../command.ts'

const forms = ['test <receiver>', 'list', 'again <key>']
const purpose =
  'test message to a receiver; notifications that were refused or given up, and one of them (or all) again; 1 when not taken'
const options = { data, json, config: { type: 'string' } } as const

export const notifyCommands: Record<string, Command> = {
  notify: {
    usage: '<test|list|again>',
    purpose,
    async run(args) {
      const { values, positionals } = readArguments({ call: 'millrace notify', words: forms, purpose, args }, options)
      const { processorSchema } = await import('@millrace/cloud-processor/config')
      const config = loadConfig(processorSchema, values.config ?? join(values.data, 'processor.yaml'), process.env)
      const [verb, name] = positionals as [string, string]
      const isJson = values.json
      if (verb === 'test') return test(config, name, isJson)
      const path = join(config.dataDir, 'notifier.sqlite')
      return verb === 'list' ? list(path, isJson) : again(path, name, { notifier: config.notifier, isJson })
    },
  },
}

type Notifier = Parameters<typeof import('@millrace/cloud-processor/rules')['testReceiver']>[0]

const contextOf = () => ({ clock: systemClock, log: createLog('notify') })

async function test({ notifier }: { notifier: Notifier }, receiver: string, isJson: boolean): Promise<number> {
  const { testReceiver } = await import('@millrace/cloud-processor/rules')
  const outcome = await testReceiver(notifier, receiver, contextOf())
  print(isJson, outcome, () =>
    outcome.isTaken ? `taken    by ${outcome.receiver} after ${outcome.tookMs} ms` : `failed   ${outcome.error}`,
  )
  return outcome.isTaken ? 0 : 1
}

async function list(path: string, isJson: boolean): Promise<number> {
  const { listDeadLetters } = await import('@millrace/cloud-processor/rules')
  const letters = listDeadLetters(path)
  print(isJson, letters, () =>
    letters.length === 0 ? 'Every notification was taken, or waits.' : letters.map(lineOf).join('\n'),
  )
  return 0
}

function lineOf({ key, receiver, why, error, atMs, device, text, count, isActive }: DeadLetter): string {
  const more = count > 1 ? ` and ${count - 1} more` : ''
  const state = isActive ? 'still active' : 'over'
  return `${new Date(atMs).toISOString()}  ${why.padEnd(7)}  ${receiver}  ${device}  ${text}${more} (${state})${error ? `: ${error}` : ''}\n    ${key}`
}

async function again(path: string, key: string, { notifier, isJson }: { notifier: Notifier; isJson: boolean }): Promise<number> {
  const { listDeadLetters, sendAgain } = await import('@millrace/cloud-processor/rules')
  const known = listDeadLetters(path).map((one) => one.key)
  if (key !== 'all' && !known.includes(key))
    throw new Error(`No notification "${key}" was refused or given up. \`millrace notify list\` shows those that were.`)
  const sent = await sendAgain(path, new Set(key === 'all' ? known : [key]), notifier, contextOf())
  print(isJson, sent, () => (sent.length === 0 ? 'Every notification was taken, or waits.' : sent.map(sentLine).join('\n')))
  return sent.every(({ isTaken }) => isTaken) ? 0 : 1
}

const sentLine = ({ key, receiver, isTaken, error }: SentAgain) =>
  isTaken ? `taken    by ${receiver}  ${key}` : `failed   ${receiver}  ${key}  ${error}`
