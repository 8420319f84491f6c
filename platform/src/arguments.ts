/**
 * The arguments of a command. `--help` prints how the command is called and ends the process with 0; an argument that is not valid
 * is named, with the same text behind it, and ends the process with 2.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

export interface Usage {
  /** How it is called, without its options: `millrace-agent run`. Several calls are several lines. */
  call: string
  /** What it does. */
  purpose?: string
  /** Absent: those of the process. */
  args?: string[]
  /** Whether it takes words that are not options. */
  hasWords?: boolean
}

/** With `refuse`, for what is wrong in a way that the options cannot say. */
export function readArguments<const Options extends ParseArgsOptionsConfig>(
  { args = process.argv.slice(2), hasWords = false, ...usage }: Usage,
  options: Options,
) {
  const help = helpText(usage, options)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(help)
    process.exit(0)
  }
  const refuse = (detail: string): never => {
    process.stderr.write(`${detail.replace(/\.?$/, '.')}\n\n${help}`)
    process.exit(2)
  }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: hasWords })
    return { values, positionals: positionals as string[], refuse }
  } catch (error) {
    return refuse((error as Error).message.split('. ')[0]!)
  }
}

function helpText({ call, purpose }: Usage, options: ParseArgsOptionsConfig): string {
  const all: ParseArgsOptionsConfig = { ...options, help: { type: 'boolean' } }
  const lines = Object.entries(all).map(([name, { type, default: value }]) => {
    const given = value === undefined || value === false || value === '' ? '' : `default ${value}`
    return `  ${`--${name}${type === 'string' ? ' <value>' : ''}`.padEnd(28)}${given}`.trimEnd()
  })
  const calls = call.split('\n').map((line, at) => `${at === 0 ? 'usage: ' : '       '}${line} [options]`)
  return `${[...calls, ...(purpose ? ['', purpose] : []), '', ...lines].join('\n')}\n`
}
