#!/usr/bin/env node
/** `millrace <command>`; without a command, the list of them. */
import { ownValue } from '@millrace/platform'
import { commands } from './commands.ts'

const [name, ...rest] = process.argv.slice(2)
const command = ownValue(commands, name ?? '')

if (!command) {
  const list = Object.entries(commands).map(([each, { usage, purpose }]) => `  ${`${each} ${usage}`.padEnd(44)}${purpose}`)
  const isAsked = name === undefined || name === '--help' || name === '-h' || name === 'help'
  const out = isAsked ? process.stdout : process.stderr
  if (!isAsked) out.write(`${name} is not a command.\n\n`)
  out.write(`usage: millrace <command> [options]\n\n${list.join('\n')}\n\nmillrace <command> --help lists the options.\n`)
  process.exit(isAsked ? 0 : 2)
}

try {
  process.exitCode = await command.run(rest)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
