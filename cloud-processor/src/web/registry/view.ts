/** The device registry as people see it. */
import {
  type Registry,
  type RegistryEntry,
  type RegistrySpan,
  type SubjectStretch,
  spanAt,
  subjectsBetween,
} from '@millrace/contract'
import type { RegistryDevice, RegistryTime } from '../wire.ts'

const newest = Number.MAX_SAFE_INTEGER - 1

export interface Registered {
  subject?: string
  name?: string
  place?: string
  decommissionedMs?: number
}

/** What is said of a device now. */
export function registered(entry: RegistryEntry, device: string): Registered {
  const now = (property: keyof RegistryEntry) => spanAt(entry[property], newest)
  const [name, place, out] = [now('name')?.value, now('place')?.value, now('decommissioned')]
  return {
    subject: now('subject')?.value ?? device,
    ...(name === undefined ? {} : { name }),
    ...(place === undefined ? {} : { place }),
    ...(out?.value === undefined ? {} : { decommissionedMs: out.fromMs }),
  }
}

/** By device: what took its place. */
export function successorsOf(registry: Registry): Map<string, string> {
  const found = new Map<string, string>()
  for (const [device, { replaces = [] }] of registry)
    for (const { value } of replaces) if (value !== undefined) found.set(value, device)
  return found
}

export function registryDevice(
  registry: Registry,
  successors: Map<string, string>,
  { device, node }: { device: string; node: string },
): RegistryDevice {
  const entry = registry.get(device) ?? {}
  const replaces = entry.replaces?.findLast(({ value }) => value !== undefined)?.value
  const replacedBy = successors.get(device)
  return {
    ...{ device, node, subject: device, ...registered(entry, device) },
    ...(replaces === undefined ? {} : { replaces }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
    subjects: timesOf(entry.subject),
    places: timesOf(entry.place),
  }
}

function timesOf(spans: RegistrySpan[] | undefined): RegistryTime[] {
  return (spans ?? [])
    .filter(({ value }) => value !== undefined)
    .map(({ value, fromMs, toMs, by, reason, atMs }) => ({
      ...{ value: value!, fromMs },
      ...(toMs === undefined ? {} : { toMs }),
      by,
      ...(reason === undefined ? {} : { reason }),
      atMs,
    }))
}

/** When which device measured a subject, by time. */
export function devicesOf(
  registry: Registry,
  subject: string,
  { from, to, devices }: { from: number; to: number; devices: string[] },
): (SubjectStretch & { device: string })[] {
  return devices
    .filter((device) => device === subject || registry.get(device)?.subject?.some(({ value }) => value === subject))
    .flatMap((device) => subjectsBetween(registry, device, from, to).map((stretch) => ({ ...stretch, device })))
    .filter((stretch) => stretch.subject === subject)
    .sort((a, b) => a.fromMs - b.fromMs || (a.device < b.device ? -1 : 1))
}
