/** `millrace rules check` and `millrace rules test`. */
import { readArguments } from '@millrace/platform'
import type { Command } from '../command.ts'

const say = (lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`)

export const ruleCommands: Record<string, Command> = {
  rules: {
    usage: '<check|test> <file>',
    purpose:
      'names every fault of a rule file with its line; or runs the tests in <name>.tests.yaml beside it; 1 where one fails',
    async run(args) {
      const words = ['check <file>', 'test <file>']
      const { positionals } = readArguments({ call: 'millrace rules', words, args }, {})
      const [what, path] = positionals
      return what === 'check' ? check(path!) : test(path!)
    },
  },
}

async function check(path: string): Promise<number> {
  const { checkRules } = await import('./check.ts')
  const { faults, warnings, rules } = checkRules(path)
  say([
    ...faults.map((fault) => `fault    ${fault}`),
    ...warnings.map((warning) => `warning  ${warning}`),
    rules ? `${rules.rules.length} rules are valid` : `${faults.length} faults`,
  ])
  return rules ? 0 : 1
}

async function test(path: string): Promise<number> {
  const { testRules } = await import('./tests.ts')
  const tested = testRules(path)
  const failed = tested.filter(({ fault }) => fault !== undefined)
  say([
    ...tested.map(({ name, fault }) => (fault === undefined ? `passed  ${name}` : `failed  ${name}\n        ${fault}`)),
    `${tested.length - failed.length} of ${tested.length} tests passed`,
  ])
  return failed.length > 0 ? 1 : 0
}
