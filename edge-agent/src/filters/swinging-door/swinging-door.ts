/**
 * Keeps the corners of a line: straight lines between kept readings pass within `deviation` of every reading held back.
 *
 * The door: from the last kept reading (the hinge), each reading held back allows the slopes that pass within `deviation` of
 * it; `low` to `high` are those that all allow. A reading outside them shuts the door: the one before it, through which a line
 * could still be drawn, is kept and becomes the hinge. So the newest reading always waits: what is kept is known one reading
 * late. (The textbook shuts the door only when no slope is left, and can be off by twice the deviation.)
 */
import { z } from 'zod'
import type { FilterPlugin } from '../filter.ts'

const schema = z.strictObject({ deviation: z.number().nonnegative().describe("In the channel's unit") })

interface Door {
  hinge: { t: number; v: number }
  held: { t: number; v: number } | undefined
  low: number
  high: number
}

export const swingingDoor: FilterPlugin<z.infer<typeof schema>, Door> = {
  kind: 'swinging-door',
  schema,
  start: (t, v) => ({ hinge: { t, v }, held: undefined, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }),
  step({ deviation }, door, t, v) {
    const slope = (v - door.hinge.v) / (t - door.hinge.t)
    const shut = slope < door.low || slope > door.high
    if (shut) Object.assign(door, { hinge: door.held, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY })
    narrow(door, deviation, t, v)
    return shut ? 'keep-held' : 'wait'
  },
}

function narrow(door: Door, deviation: number, t: number, v: number): void {
  const width = t - door.hinge.t
  door.low = Math.max(door.low, (v - deviation - door.hinge.v) / width)
  door.high = Math.min(door.high, (v + deviation - door.hinge.v) / width)
  door.held = { t, v }
}
