/** `millrace backtest`: what a rule file would have raised over what is in the log. */
import type { RuleFile } from '@millrace/alarms'
import { readArguments } from '@millrace/platform'
import { apiOf, asking, print } from '../asking.ts'
import type { Command } from '../command.ts'
import { checkRules } from '../rules/check.ts'
import { backtest } from './backtest.ts'
import { figuresOf } from './figures.ts'
import { printFigures } from './print.ts'
import { Run } from './run.ts'
import { stretchOf } from './times.ts'

const usage = '<rules.yaml>'
const purpose = 'runs a rule file over the log, in the order in which it arrived: the alarms of each rule, how long, and the load'

export const backtestCommands: Record<string, Command> = {
  backtest: {
    usage,
    purpose,
    async run(args) {
      const options = { ...asking, from: { type: 'string' }, to: { type: 'string' } } as const
      const { values, positionals } = readArguments({ call: 'millrace backtest', words: [usage], purpose, args }, options)
      const run = new Run(rulesIn(positionals[0]!))
      const counted = await backtest(apiOf(values), [run], stretchOf(values))
      const { devices: _, ...stretch } = counted
      const figures = figuresOf(run, counted)
      print(values.json, { ...stretch, ...figures }, () => printFigures(counted, figures))
      return 0
    },
  },
}

/** @throws Error with every fault of the file. */
function rulesIn(path: string): RuleFile {
  const { rules, faults } = checkRules(path)
  if (!rules) throw new Error(faults.join('\n'))
  if (rules.rules.length === 0) throw new Error(`${path} has no rules. Write them under rules, as docs/rules.md shows.`)
  return rules
}
