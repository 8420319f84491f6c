/** What VictoriaMetrics tells of itself in its own metrics. */

export function flagsOf(metrics: string): Map<string, string> {
  const flags = new Map<string, string>()
  for (const [, name, value] of metrics.matchAll(/^flag\{name="([^"]+)", value="([^"]*)"/gm)) flags.set(name!, value!)
  return flags
}

/** When it was started. */
export const startOf = (metrics: string): string => /^process_start_time_seconds (\S+)/m.exec(metrics)?.[1] ?? ''

const days: Record<string, number> = { h: 1 / 24, d: 1, w: 7, y: 365, '': 31 }

/** Of a retention such as `400d`; a bare number is months. */
export function daysOf(period: string): number {
  const [, number, unit] = /^([\d.]+)([hdwy]?)$/.exec(period) ?? []
  return Number(number ?? 0) * days[unit ?? '']!
}
