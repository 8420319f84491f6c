/**
 * The life cycle of an alarm, as ISA-18.2 and OPC UA Part 9 have it: regions beside each other, each a table of state × event →
 * next state, and the change that is recorded. What a table does not have is refused and counted.
 *
 *     occurrence   of one alarm, by its id: `ended` is "returned to normal, not acknowledged"
 *     shelving     of (rule, device, channel), whichever alarm it has: a person wants to hear nothing of it for a while
 *     service      of the same: a person took it out of service until it is put back
 *     silence      of whichever alarms match: a person wants to hear nothing of them until a time
 *     latch        of one alarm whose rule says so: the value is back, and a person has to reset it
 *     limit        of a limit that a person set beside the rule file, until a time or until it is ended
 *     suppression  of one alarm: it follows from another one (causes.ts)
 *
 * Nobody is told of an alarm while shelving, service, silence or suppression holds it. It is told of when nothing holds it any more, if it is still active
 * and nobody has acknowledged it.
 */
import type { AlarmRecord } from '@millrace/contract'

type Change = AlarmRecord['change']
type Region = Record<string, Record<string, readonly [to: string, change: Change]>>

/** Exported for its test. */
export const lifeCycle = {
  occurrence: {
    none: { raise: ['active', 'raised'] },
    active: {
      acknowledge: ['acknowledged', 'acknowledged'],
      comment: ['active', 'commented'],
      realarm: ['active', 're-alarmed'],
      clear: ['ended', 'cleared'],
    },
    acknowledged: { comment: ['acknowledged', 'commented'], clear: ['none', 'cleared'] },
    ended: { acknowledge: ['none', 'acknowledged'], comment: ['ended', 'commented'] },
  },
  shelving: {
    none: { once: ['once', 'shelved'], timed: ['timed', 'shelved'] },
    once: {
      once: ['once', 'shelved'],
      timed: ['timed', 'shelved'],
      unshelve: ['none', 'unshelved'],
      clear: ['none', 'unshelved'],
      expire: ['none', 'unshelved'],
    },
    timed: {
      once: ['once', 'shelved'],
      timed: ['timed', 'shelved'],
      unshelve: ['none', 'unshelved'],
      expire: ['none', 'unshelved'],
    },
  },
  service: {
    in: { remove: ['out', 'out-of-service'] },
    out: { return: ['in', 'in-service'] },
  },
  silence: {
    none: { silence: ['silenced', 'silenced'] },
    silenced: {
      silence: ['silenced', 'silenced'],
      end: ['none', 'unsilenced'],
      expire: ['none', 'unsilenced'],
    },
  },
  limit: {
    none: { limit: ['set', 'limit-set'] },
    set: {
      limit: ['set', 'limit-set'],
      end: ['none', 'limit-ended'],
      expire: ['none', 'limit-ended'],
    },
  },
  latch: {
    open: { return: ['latched', 'latched'] },
    latched: { beyond: ['open', 'unlatched'], reset: ['open', 'cleared'] },
  },
  suppression: {
    none: { suppress: ['suppressed', 'suppressed'] },
    suppressed: { release: ['none', 'unsuppressed'], clear: ['none', 'cleared'] },
  },
} as const satisfies Record<string, Region>

/** Undefined: refused. */
export function transition(region: keyof typeof lifeCycle, state: string, event: string) {
  const { [region]: table }: Record<string, Region> = lifeCycle
  return new Map(Object.entries(new Map(Object.entries(table!)).get(state) ?? {})).get(event)
}

type Held = Pick<AlarmRecord, 'cause' | 'shelved' | 'outOfService' | 'silenced'>

export function isHeld({ cause, shelved, outOfService, silenced }: Held): boolean {
  return cause !== undefined || shelved !== undefined || outOfService !== undefined || silenced !== undefined
}

/**
 * By what key people are to be told of a change; undefined where nobody is. Of an alarm that nobody was told of there is no end to tell.
 * One that was told of before it was shelved is told of again when that is over; its end is told of although it is shelved.
 */
export function notificationKey(alarm: AlarmRecord, notifyCleared: boolean): string | undefined {
  const { id, change, active, acknowledged, retrospective, unannounced, atMs } = alarm
  if (retrospective || unannounced) return undefined
  if (change === 'raised' || (change === 'cleared' && notifyCleared)) return `${id}#${change}`
  const isDue = toldChanges.has(change) && active && !acknowledged && !isHeld(alarm)
  return isDue ? `${id}#${change}@${atMs}` : undefined
}

/** Beside the beginning and the end: changes of which people are told where nothing holds the alarm. */
const toldChanges: ReadonlySet<Change> = new Set<Change>(['unshelved', 'in-service', 'unsilenced', 're-alarmed'])
