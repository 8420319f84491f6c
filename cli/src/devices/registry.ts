/** `millrace device list | show | assign | unassign | describe | replace | decommission | recommission`. */
import type { RegistryDevice, RegistryTime } from '@millrace/cloud-processor/web'
import { actorOf } from '../actor.ts'
import type { Api } from '../api.ts'
import { print } from '../asking.ts'
import { timeOf } from '../backtest/times.ts'

export const registryWords = [
  'list',
  'show <device>',
  'assign <device> --to <subject>',
  'unassign <device>',
  'describe <device> --name <name> --place <place>',
  'replace <device> --with <device>',
  'decommission <device>',
  'recommission <device>',
]

export const registryOptions = {
  to: { type: 'string' },
  with: { type: 'string' },
  place: { type: 'string' },
  from: { type: 'string' },
  until: { type: 'string' },
  over: { type: 'boolean' },
  by: { type: 'string' },
  reason: { type: 'string' },
} as const

export interface RegistryValues {
  what: string
  device: string | undefined
  json: boolean
  name?: string | undefined
  to?: string | undefined
  with?: string | undefined
  place?: string | undefined
  from?: string | undefined
  until?: string | undefined
  over?: boolean | undefined
  by?: string | undefined
  reason?: string | undefined
}

export async function runRegistry(api: Api, { what, device, ...values }: RegistryValues): Promise<number> {
  if (what === 'list' || what === 'show') {
    const one = device === undefined ? '' : `?device=${encodeURIComponent(device)}`
    const devices = await api.get<RegistryDevice[]>(`/api/registry${one}`)
    if (what === 'show' && devices.length === 0)
      throw new Error(`No device "${device}" is known. \`millrace device list\` names those that are.`)
    print(values.json, what === 'show' ? devices[0] : devices, () =>
      what === 'show' ? deviceText(devices[0]!) : devices.map(lineOf).join('\n') || 'no devices',
    )
    return 0
  }
  const { name, to, with: successor, place, over, reason } = values
  const order = {
    ...{ device, by: actorOf(values.by) },
    ...given({ name, subject: to, with: successor, place, over, reason }),
    ...given({ fromMs: timeGiven('--from', values.from), toMs: timeGiven('--until', values.until) }),
  }
  await api.order(`/api/registry/${what}`, order)
  print(values.json, order, () => `done     ${what} ${device}`)
  return 0
}

const timeGiven = (name: string, text: string | undefined) => (text === undefined ? undefined : timeOf(name, text))

const given = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

function lineOf({ device, node, subject, name, place, decommissionedMs, replacedBy }: RegistryDevice): string {
  const more = [
    name,
    place && `at ${place}`,
    decommissionedMs !== undefined && `decommissioned ${iso(decommissionedMs)}`,
    replacedBy && `replaced by ${replacedBy}`,
  ].filter(Boolean)
  return [`${device}  ${node || '-'}  ${subject === device ? '-' : subject}`, ...more].join('  ')
}

function deviceText(known: RegistryDevice): string {
  const { replaces, subjects, places } = known
  return [
    lineOf(known),
    ...(replaces === undefined ? [] : [`  replaces ${replaces}`]),
    ...subjects.map((time) => `  subject  ${timeText(time)}`),
    ...places.map((time) => `  place    ${timeText(time)}`),
  ].join('\n')
}

function timeText({ value, fromMs, toMs, by, reason }: RegistryTime): string {
  return `${iso(fromMs)} to ${toMs === undefined ? 'now' : iso(toMs)}  ${value}  (${by}${reason === undefined ? '' : `: ${reason}`})`
}

const iso = (ms: number) => new Date(ms).toISOString()
