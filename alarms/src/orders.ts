/** Records of the alarms topic about orders of people themselves, which are not alarms: known by the end of their ids. */
const ends = { shelving: '/s', service: '/o', silence: '/m', limit: '/l' } as const

export function isOneOf(what: keyof typeof ends, { id }: { id: string }): boolean {
  return id.endsWith(ends[what])
}

/** Whether it is an order of people, and not an alarm. */
export function isOrder({ id }: { id: string }): boolean {
  return Object.values<string>(ends).includes(id.slice(-2))
}
