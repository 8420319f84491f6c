/**
 * What people order of the device registry, as changes of it. Pure: what cannot be is an error that names the value and what to do.
 * Nothing is planned: an assignment is entered when it has begun, or afterwards.
 */
import {
  type Registry,
  type RegistryChange,
  type RegistryProperty,
  type RegistrySpan,
  spanAt,
  subjectsBetween,
} from '@millrace/contract'
import { MillraceError } from '@millrace/platform'

export interface Known {
  registry: Registry
  nowMs: number
}

export interface Assignment {
  device: string
  subject: string
  fromMs?: number | undefined
  toMs?: number | undefined
  /** Other assignments of that time give way. */
  over?: boolean | undefined
}

/** Of one device and property; what is read takes the better part of a millisecond. */
const spansMax = 1000
const devicesMax = 10_000
const endless = Number.MAX_SAFE_INTEGER

export function assign(known: Known, order: Assignment): RegistryChange[] {
  const { device, subject, over = false } = order
  const span = spanOf(known, order)
  if (!over) checkFree(known.registry, device, { ...span, subject })
  return checked(known.registry, [{ device, property: 'subject', value: subject, ...span }])
}

export function unassign(known: Known, order: Omit<Assignment, 'subject' | 'over'>): RegistryChange[] {
  const { device } = order
  const span = spanOf(known, order)
  if (said(known.registry, device, 'subject', span).length === 0)
    throw refusal(
      `"${device}" is not assigned ${timesText(span)}.`,
      `Look at its assignments with \`millrace device show ${device}\`.`,
    )
  return checked(known.registry, [{ device, property: 'subject', ...span }])
}

export interface Description {
  device: string
  name?: string | undefined
  place?: string | undefined
  /** Since when it is at that place. */
  fromMs?: number | undefined
}

/** An empty text takes back what was said. A name has no times: it says which device is meant. */
export function describe(known: Known, { device, name, place, fromMs }: Description): RegistryChange[] {
  const span = spanOf(known, { device, fromMs })
  const value = (text: string) => (text === '' ? {} : { value: text })
  const changes: RegistryChange[] = []
  if (name !== undefined) changes.push({ device, property: 'name', ...value(name), fromMs: 0 })
  if (place !== undefined) changes.push({ device, property: 'place', ...value(place), ...span })
  if (changes.length === 0) throw refusal('neither name nor place is given.', 'Give one of them.')
  return checked(known.registry, changes)
}

export interface Replacement {
  device: string
  with: string
  fromMs?: number | undefined
  over?: boolean | undefined
}

/** The new device takes over the subjects and places that the old one has from then on; the old one is out of use. */
export function replace(known: Known, { device, with: successor, fromMs, over = false }: Replacement): RegistryChange[] {
  const { registry } = known
  const span = spanOf(known, { device, fromMs })
  if (device === successor) throw refusal(`"${device}" cannot replace itself.`, 'Name the new device.')
  checkInUse(registry, device, span.fromMs)
  checkInUse(registry, successor, span.fromMs)
  checkNoCircle(registry, device, successor)
  const subjects = subjectsBetween(registry, device, span.fromMs, endless)
  if (!over)
    for (const { subject, fromMs, toMs } of subjects)
      checkFree(registry, successor, { subject, fromMs, ...(toMs < endless ? { toMs } : {}) })
  const changes = subjects.map(
    ({ subject, fromMs, toMs }): RegistryChange => ({
      ...{ device: successor, property: 'subject', value: subject, fromMs },
      ...(toMs < endless ? { toMs } : {}),
    }),
  )
  for (const { value, fromMs, toMs } of said(registry, device, 'place', span)) {
    const from = Math.max(fromMs, span.fromMs)
    changes.push({ device: successor, property: 'place', value: value!, fromMs: from, ...(toMs === undefined ? {} : { toMs }) })
  }
  changes.push({ device: successor, property: 'replaces', value: device, ...span })
  return checked(registry, [...changes, ...outOfUse(device, span)])
}

/** Its assignment and its place end there. */
export function decommission(known: Known, order: { device: string; fromMs?: number | undefined }): RegistryChange[] {
  const { device } = order
  const span = spanOf(known, order)
  checkInUse(known.registry, device, span.fromMs)
  return checked(known.registry, outOfUse(device, span))
}

export function recommission(known: Known, order: { device: string; fromMs?: number | undefined }): RegistryChange[] {
  const { device } = order
  const span = spanOf(known, order)
  if (spanAt(known.registry.get(device)?.decommissioned, span.fromMs)?.value === undefined)
    throw refusal(`"${device}" is in use ${timesText(span)}.`, 'Only what is decommissioned comes back into use.')
  return checked(known.registry, [{ device, property: 'decommissioned', ...span }])
}

function outOfUse(device: string, { fromMs }: Span): RegistryChange[] {
  return [
    { device, property: 'subject', fromMs },
    { device, property: 'place', fromMs },
    { device, property: 'decommissioned', value: 'yes', fromMs },
  ]
}

type Span = { fromMs: number; toMs?: number }

function spanOf(
  { nowMs }: Known,
  { fromMs = nowMs, toMs }: { device: string; fromMs?: number | undefined; toMs?: number | undefined },
): Span {
  const past = 'Leave it out for now, or name a time that has passed.'
  if (fromMs > nowMs) throw refusal(`${iso(fromMs)} is in the future.`, past)
  if (toMs === undefined) return { fromMs }
  if (toMs > nowMs) throw refusal(`the end, ${iso(toMs)}, is in the future.`, 'Leave the end out until it has come.')
  if (toMs <= fromMs)
    throw refusal(`it ends at ${iso(toMs)}, which is not after its beginning, ${iso(fromMs)}.`, 'Correct one of both.')
  return { fromMs, toMs }
}

const endOf = ({ toMs = Number.POSITIVE_INFINITY }: { toMs?: number | undefined }) => toMs

/** What is said of some of the time. */
function said(registry: Registry, device: string, property: RegistryProperty, span: Span): RegistrySpan[] {
  const spans = registry.get(device)?.[property] ?? []
  return spans.filter((one) => one.value !== undefined && one.fromMs < endOf(span) && span.fromMs < endOf(one))
}

function checkFree(registry: Registry, device: string, { subject, ...span }: Span & { subject: string }): void {
  const other = said(registry, device, 'subject', span).find(({ value }) => value !== subject)
  if (!other) return
  throw refusal(
    `"${device}" is assigned to "${other.value}" ${timesText(other)}, which overlaps.`,
    'End that assignment first, choose another time, or say `over` to let it give way.',
  )
}

function checkInUse(registry: Registry, device: string, atMs: number): void {
  const spans = registry.get(device)?.decommissioned ?? []
  const out = spans.find((span) => span.value !== undefined && endOf(span) > atMs)
  if (out)
    throw refusal(
      `"${device}" is decommissioned ${timesText(out)}.`,
      `Bring it back into use first: \`millrace device recommission ${device}\`.`,
    )
}

/** A device that comes back in the place of the one that replaced it would be its own predecessor. */
function checkNoCircle(registry: Registry, device: string, successor: string): void {
  const former = predecessors(registry, device).find((one) => one.device === successor)
  if (former) throw refusal(`"${device}" replaced "${successor}" at ${iso(former.untilMs)}.`, 'Assign it to the subject instead.')
}

interface Predecessor {
  device: string
  /** When it was replaced. */
  untilMs: number
}

/** The newest first. */
function predecessors(registry: Registry, device: string): Predecessor[] {
  const found: Predecessor[] = []
  for (let at: string | undefined = device; at !== undefined && found.length < 1000; ) {
    const span: RegistrySpan | undefined = registry.get(at)?.replaces?.findLast(({ value }) => value !== undefined)
    at = span?.value
    if (span) found.push({ device: span.value!, untilMs: span.fromMs })
  }
  return found
}

function checked(registry: Registry, changes: RegistryChange[]): RegistryChange[] {
  const added = new Set(changes.map(({ device }) => device).filter((device) => !registry.has(device)))
  if (registry.size + added.size > devicesMax)
    throw refusal(`it knows ${devicesMax} devices, which is the most.`, 'Leave out devices that need no entry.')
  for (const { device, property } of changes)
    if ((registry.get(device)?.[property]?.length ?? 0) + changes.length > spansMax)
      throw refusal(
        `"${device}" has ${spansMax} entries of ${property}, which is the most.`,
        'Give one order for the whole time.',
      )
  return changes
}

const iso = (ms: number) => new Date(ms).toISOString()

function timesText(span: { fromMs: number; toMs?: number | undefined }): string {
  return span.toMs === undefined ? `since ${iso(span.fromMs)}` : `from ${iso(span.fromMs)} to ${iso(span.toMs)}`
}

function refusal(detail: string, remedy: string): MillraceError {
  return new MillraceError('REGISTRY_REFUSED', { detail, remedy })
}
