/** What the text of an alarm is made of. Each is a word in braces of a rule's own `text` as well. */
export interface Facts {
  channel: string
  /** In the channel's unit, as is `limit`. Undefined where there is none. */
  value: number | string | undefined
  /** Empty for a number without one. */
  unit: string
  limit: number | undefined
  /** What of several samples was compared with the limit, such as a change per minute. */
  measured: number | undefined
  /** How long it was so before the alarm was raised. */
  seconds: number
  /** Why there is no data, where that was announced. */
  reason: string | undefined
}

/** `spo2 86 % below 88 % for 5 s` */
export function crossing(word: string, { channel, value, unit, limit, seconds }: Facts): string {
  return `${channel} ${amountOf(value, unit)} ${word} ${amountOf(limit, unit)}${seconds > 0 ? ` for ${seconds} s` : ''}`
}

export function amountOf(value: number | string | undefined, unit: string): string {
  return `${value}${unit === '' ? '' : ` ${unit}`}`
}
