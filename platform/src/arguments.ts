/**
 * The arguments of a command. `--help` prints how the command is called and ends the process with 0; an argument that is not valid
 * is named, with the same text behind it, and ends the process with 2.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

export interface Usage {
  /** The program, without what follows it: `millrace-agent`. */
  call: string
  /**
   * The words that may follow, one entry a form: `run`, `passwd <users file> <user>`, `<raw|timeline>`, `[folder]`, `<file> ...`.
   * They are printed, with options that are needed (`add --topic <topic>`), and checked, so that no word is ever ignored.
   * Absent: none may follow.
   */
  words?: string[]
  /** What it does. */
  purpose?: string
  /** Absent: those of the process. */
  args?: string[]
}

/** With `refuse`, for what is wrong in a way that neither words nor options can say. */
export function readArguments<const Options extends ParseArgsOptionsConfig>(
  { args = process.argv.slice(2), ...usage }: Usage,
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
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const fault = faultOfWords(positionals, usage.words ?? [''], 'config' in options)
    return fault === undefined ? { values, positionals: positionals as string[], refuse } : refuse(fault)
  } catch (error) {
    return refuse((error as Error).message.split('. ')[0]!)
  }
}

function helpText({ call, words = [''], purpose }: Usage, options: ParseArgsOptionsConfig): string {
  const all: ParseArgsOptionsConfig = { ...options, help: { type: 'boolean' } }
  const lines = Object.entries(all).map(([name, { type, default: value }]) => {
    const given = value === undefined || value === false || value === '' ? '' : `default ${value}`
    return `  ${`--${name}${type === 'string' ? ' <value>' : ''}`.padEnd(28)}${given}`.trimEnd()
  })
  const calls = words.map(
    (form, at) => `${at === 0 ? 'usage: ' : '       '}${[call, form, '[options]'].filter(Boolean).join(' ')}`,
  )
  return `${[...calls, ...(purpose ? ['', purpose] : []), '', ...lines].join('\n')}\n`
}

/** What is wrong with the words, by the form that goes furthest with them. */
function faultOfWords(given: string[], forms: string[], hasConfig: boolean): string | undefined {
  const places = forms.map(placesOf)
  const judged = places.map((form) => ({ ...judge(given, form), form }))
  if (judged.some(({ fault }) => fault === undefined)) return undefined
  const { taken, fault, form } = judged.reduce((best, next) => (next.taken > best.taken ? next : best))
  if (fault === 'missing') return taken === 0 && forms.length > 1 ? 'A command is missing' : `${form[taken]} is missing`
  if (taken === 0 && places.some((form) => form.length > 0)) return `${given[0]} is not a command`
  return `The word ${given[taken]} was not expected${hasConfig ? ': --config names the configuration file' : ''}`
}

/** Without the options that a form shows. */
function placesOf(form: string): string[] {
  return form.replace(/--\S+( <[^>]*>)?/g, '').match(/<[^>]*>|\[[^\]]*\]|\S+/g) ?? []
}

function judge(given: string[], form: string[]): { taken: number; fault?: 'missing' | 'surplus' } {
  const repeats = form.at(-1) === '...'
  const places = repeats ? form.slice(0, -1) : form
  const wrong = places.findIndex((place, at) => !fits(place, given[at]))
  if (wrong >= 0) return { taken: wrong, fault: given[wrong] === undefined ? 'missing' : 'surplus' }
  return given.length > places.length && !repeats ? { taken: places.length, fault: 'surplus' } : { taken: given.length }
}

/** `<a|b>` is one of them, `<name>` any word, `[name]` any or none; everything else stands for itself. */
function fits(place: string, word: string | undefined): boolean {
  if (place.startsWith('[')) return true
  if (!place.startsWith('<')) return word === place
  if (word === undefined) return false
  return !place.includes('|') || place.slice(1, -1).split('|').includes(word)
}
