/** Who works on what, as the processors tell each other in their heartbeats. */
import type { Log } from '@millrace/cloud-processor/log'

export interface Assignments {
  members(): string[]
  /** Those that say that they work on the assignment. */
  holders(assignment: string): string[]
  holder(assignment: string): string | undefined
  /** Of the process with that name in its configuration. */
  assignmentsOf(name: string): string[]
}

/** Who said nothing for so long has gone. */
const silentMs = 3000

export function watchAssignments({ heartbeats }: Log): Assignments {
  const heard = new Map<string, { holds: string[]; atMs: number }>()
  heartbeats!.onHeartbeat((heartbeat) => {
    const { id, holds, leaving } = JSON.parse(Buffer.from(heartbeat).toString()) as {
      id: string
      holds: string[]
      leaving?: true
    }
    if (leaving) heard.delete(id)
    else heard.set(id, { holds, atMs: performance.now() })
  })
  const live = () => [...heard].filter(([, { atMs }]) => performance.now() - atMs < silentMs)
  const holders = (assignment: string) => live().flatMap(([id, { holds }]) => (holds.includes(assignment) ? [id] : []))
  return {
    members: () => live().map(([id]) => id),
    holders,
    holder: (assignment) => holders(assignment)[0],
    assignmentsOf: (name) => live().find(([id]) => id.startsWith(`${name}-`))?.[1].holds ?? [],
  }
}
