/** `millrace backtest`: what a rule file would have raised over what is in the log, or in the store. */
import { readArguments } from '@millrace/platform'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'

const usage = '<rules.yaml>'
const purpose =
  'runs a rule file over the log, in the order in which it arrived, or over the store: the alarms of each rule, how long, and the load'
const text = { type: 'string' } as const
const options = {
  ...asking,
  from: text,
  to: text,
  compare: text,
  labels: text,
  grid: text,
  csv: text,
  svg: text,
  over: text,
  wanted: text,
} as const

export const backtestCommands: Record<string, Command> = {
  backtest: {
    usage,
    purpose,
    async run(args) {
      const { values, positionals } = readArguments({ call: 'millrace backtest', words: [usage], purpose, args }, options)
      const { answer } = await import('./answer.ts')
      const { value, text } = await answer(apiOf(values), positionals[0]!, values)
      print(values.json, value, () => text)
      return 0
    },
  },
}
