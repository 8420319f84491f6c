/** Messages of thousands of lines, in each of which a device's alarm is raised or cleared. */
const devices = 20
const pairs = 125

export const classes = ['low', 'high'] as const
export type Class = (typeof classes)[number]

/** Notifications of both messages: all beginnings and ends, and a last beginning of each device that does not end. */
export const notificationsOf = { total: classes.length * devices * (2 * pairs + 1), active: classes.length * devices }

export const rules = classes.map((priority) => ({
  ...{ name: priority, channel: 'v', condition: 'above', set: 5, priority },
  devices: [`${priority}-*`],
}))

/** InfluxDB's line protocol, a millisecond from line to line of a device. */
export function messageOf(priority: Class, nowMs: number): string {
  const lines: string[] = []
  for (let k = 0; k <= 2 * pairs; k++) {
    for (let device = 0; device < devices; device++) {
      lines.push(`m,d=${priority}-${device} v=${k % 2 === 0 ? 9 : 1} ${nowMs - 2 * pairs + k}000000`)
    }
  }
  return lines.join('\n')
}
