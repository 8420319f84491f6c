/**
 * Alarms by occurrence: those that want somebody (active or not acknowledged), and recent settled ones up to `alarmsMax`.
 *
 * Past the bound settled ones go first, then those that want somebody: of the node with most of them; there of devices that hardly
 * spoke before those that are heard steadily, and of those the one with most; of its alarms the lower priority before the higher,
 * the older before the newer. So a flood pushes out its own alarms.
 */
import type { AlarmRecord, AlarmTopicRecord } from '@millrace/contract'
import type { FleetView } from './fleet-view.ts'

/** Of one alarm. */
const changesMax = 50

const rank = { high: 0, medium: 1, low: 2 }

export interface AlarmView {
  /** The alarm changes among the records, in order. */
  see(records: AlarmTopicRecord[]): AlarmRecord[]
  /** Alarms that lost their place since the last call, by id. */
  takeLeft(): string[]
  find(id: string): AlarmRecord | undefined
  /** Its newest changes, the oldest first. */
  changes(id: string): AlarmRecord[]
  /** `active`: what wants somebody, by priority, newest first. `all`: the rest after it. */
  list(state: 'active' | 'all'): AlarmRecord[]
}

type Standing = FleetView['standing']

export function createAlarmView(alarmsMax: number, standing: Standing): AlarmView {
  const alarms = new Map<string, AlarmRecord>()
  const former = new Map<string, AlarmRecord[]>()
  let left: string[] = []
  return {
    see(records) {
      const changes = records.filter((record) => record.k === 'alarm')
      for (const alarm of changes) {
        alarms.delete(alarm.id)
        alarms.set(alarm.id, alarm)
        former.set(alarm.id, [...(former.get(alarm.id) ?? []), alarm].slice(-changesMax))
      }
      const evicted = alarms.size > alarmsMax ? evict(alarms, alarms.size - alarmsMax, standing) : []
      for (const id of evicted) former.delete(id)
      left.push(...evicted)
      return changes
    },
    takeLeft() {
      const taken = left
      left = []
      return taken
    },
    find: (id) => alarms.get(id),
    changes: (id) => former.get(id) ?? [],
    list(state) {
      const all = [...alarms.values()]
      const open = all.filter(wantsSomebody).sort(byUrgency)
      return state === 'active' ? open : [...open, ...all.filter((a) => !wantsSomebody(a)).sort((a, b) => b.atMs - a.atMs)]
    },
  }
}

/** A retrospective alarm is a line in the record: it asks for nobody. Nor does the end of one that nobody was told of. */
function wantsSomebody({ retrospective, active, acknowledged, unannounced }: AlarmRecord): boolean {
  return !retrospective && (active || (!acknowledged && !unannounced))
}

function byUrgency(a: AlarmRecord, b: AlarmRecord): number {
  return Number(b.active) - Number(a.active) || rank[a.priority] - rank[b.priority] || b.raisedMs - a.raisedMs
}

/** Takes so many out. @returns their ids */
function evict(alarms: Map<string, AlarmRecord>, count: number, standing: Standing): string[] {
  const known = [...alarms.values()].map((alarm) => ({ alarm, standing: standing(alarm.device) }))
  // The map is in order of the last change.
  const settled = byNode(known.filter(({ alarm }) => !wantsSomebody(alarm)))
  const open = byNode(known.filter(({ alarm }) => wantsSomebody(alarm)).sort(isLess))
  return Array.from({ length: count }, () => {
    const { id } = (takeOne(settled) ?? takeOne(open)!).alarm
    alarms.delete(id)
    return id
  })
}

interface Known {
  alarm: AlarmRecord
  standing: ReturnType<Standing>
}

interface OfNode {
  count: number
  /** By device, each in the order in which they go. Of those heard steadily, and of the others. */
  steady: Known[][]
  passing: Known[][]
}

/** An alarm about the processor itself has no device. */
const isSteady = ({ alarm, standing }: Known) => standing?.isSteady ?? alarm.technical
const isLess = (a: Known, b: Known) => byUrgency(b.alarm, a.alarm)

/** A device that is not shown counts as one of a node with all others that are not. */
function byNode(all: Known[]): OfNode[] {
  const nodes = Map.groupBy(all, ({ standing }) => standing?.node ?? '')
  return [...nodes.values()].map((own) => {
    const devices = [...Map.groupBy(own, ({ alarm }) => alarm.device).values()]
    const [steady = [], passing = []] = [true, false].map((is) => devices.filter(([one]) => isSteady(one!) === is))
    return { count: own.length, steady, passing }
  })
}

/** The devices of a node are in the order of their first alarms, so that of those with as many the first one goes. */
function takeOne(nodes: OfNode[]): Known | undefined {
  let most: OfNode | undefined
  for (const node of nodes) if (node.count > (most?.count ?? 0)) most = node
  if (!most) return undefined
  const devices = most.passing.length > 0 ? most.passing : most.steady
  let own = devices[0]!
  for (const device of devices) if (device.length > own.length) own = device
  most.count--
  const taken = own.shift()
  if (own.length === 0) devices.splice(devices.indexOf(own), 1)
  return taken
}
