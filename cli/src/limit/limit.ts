/** `millrace limit set|list|clear`. */
import { limitText } from '@millrace/alarms'
import type { LimitsView } from '@millrace/cloud-processor/web'

/** `set=84` `delayOnMs=5000`. @throws Error that names the word and how it is written. */
export function keysOf(words: string[]): Record<string, number> {
  return Object.fromEntries(
    words.map((word) => {
      const [, key, text] = /^(\w+)=(-?\d+(?:\.\d+)?)$/.exec(word) ?? []
      if (key === undefined) throw new Error(`${word} is not a limit: write a key of the rule and a number, such as set=84.`)
      return [key, Number(text)]
    }),
  )
}

export interface Whom {
  device?: string[] | undefined
  subject?: string[] | undefined
  group?: string[] | undefined
}

/** @throws Error where nothing is named: a limit for all devices has to be said. */
export function whomOf({ device, subject, group }: Whom): object {
  const named = Object.entries({ devices: device, subjects: subject, groups: group }).filter(([, value]) => value !== undefined)
  if (named.length > 0) return Object.fromEntries(named)
  throw new Error(`Name for whom, such as --device bed-3 or --subject anna; --device '*' is all devices.`)
}

const untilText = (untilMs: number | undefined) =>
  untilMs === undefined ? 'permanent' : `until ${new Date(untilMs).toISOString()}`

export function printLimits({ limits, rules }: LimitsView): string {
  const set = limits.map((one) => `${one.id}  ${untilText(one.untilMs)}  ${limitText(one)}  (${one.by}: ${one.reason})`)
  const own = rules.map(({ rule, keys }) => {
    const numbers = Object.entries(keys).map(([key, value]) => `${key}=${value ?? 'none'}`)
    return `${rule}: ${numbers.join(' ')}`
  })
  return [...(set.length > 0 ? set : ['no limits beside the rule file']), '', 'The rule file:', ...own].join('\n')
}

export const saidOf = (id: string, untilMs: number | undefined) => `set      ${id} ${untilText(untilMs)}`
