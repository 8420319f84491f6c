#!/usr/bin/env node
/** `millrace <command>`; without a command, the list of them. */
import { ownValue } from '@millrace/platform'
import { commands } from './commands.ts'

const [name, ...rest] = process.argv.slice(2)
const command = ownValue(commands, name ?? '')

if (!command) {
  const list = Object.entries(commands).map(([each, { usage, purpose }]) => `  ${`${each} ${usage}`.padEnd(44)}${purpose}`)
  process.stderr.write(`usage: millrace <command> [--json]\n\n${list.join('\n')}\n`)
  process.exit(name === undefined || name === '--help' ? 0 : 2)
}

try {
  process.exitCode = await command.run(rest)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
