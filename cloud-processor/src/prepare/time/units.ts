/** Units in which others count from the epoch, and what tells one from another: only one of them is near now. */
export const timeUnits = ['ns', 'us', 'ms', 's'] as const
export type TimeUnit = (typeof timeUnits)[number]

export const unitNames = { ns: 'nanoseconds', us: 'microseconds', ms: 'milliseconds', s: 'seconds' } as const

const unitMs = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000 } as const

/** The unit that would make a time plausible which was read in `unit`, and is not. */
export function plausibleUnit(t: number, unit: TimeUnit, isPlausible: (t: number) => boolean): string | undefined {
  const found = timeUnits.find((other) => other !== unit && isPlausible((t / unitMs[unit]) * unitMs[other]))
  return found && unitNames[found]
}
