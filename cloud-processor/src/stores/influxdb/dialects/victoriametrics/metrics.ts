/** What VictoriaMetrics tells of itself in its own metrics. */

export function flagsOf(metrics: string): Map<string, string> {
  const flags = new Map<string, string>()
  for (const [, name, value] of metrics.matchAll(/^flag\{name="([^"]+)", value="([^"]*)"/gm)) flags.set(name!, value!)
  return flags
}

/** When it was started. */
export const startOf = (metrics: string): string => /^process_start_time_seconds (\S+)/m.exec(metrics)?.[1] ?? ''
