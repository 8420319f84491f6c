/** Weekly times in a zone. */
import type { MuteTimes } from './config.ts'

const dayMinutes = 1440

/** Whether the time is in one of them. A time that a change of the clock skips or repeats goes by what a wall clock shows. */
export function isMuted({ zone, times }: MuteTimes, atMs: number): boolean {
  const { day, minute } = wallTime(zone, atMs)
  return times.some(({ days, from, to }) => {
    const [begin, end] = [minutesOf(from), minutesOf(to)]
    const has = (name: string) => days.some((one) => one === name)
    if (begin < end) return has(day) && minute >= begin && minute < end
    return (has(day) && minute >= begin) || (has(dayBefore(day)) && minute < end)
  })
}

const names = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

function dayBefore(day: string): string {
  return names[(names.indexOf(day) + 6) % 7]!
}

function minutesOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number)
  return hours! * 60 + minutes!
}

const formats = new Map<string, Intl.DateTimeFormat>()

function wallTime(zone: string, atMs: number): { day: string; minute: number } {
  const options = { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const format = formats.get(zone) ?? new Intl.DateTimeFormat('en-GB', options)
  formats.set(zone, format)
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  return { day: parts.get('weekday')!.toLowerCase().slice(0, 3), minute: minute % dayMinutes }
}
