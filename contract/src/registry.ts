/**
 * The device registry: what people say of devices, as functions of time. A change says one property of one device over a span. Where
 * several say something of the same moment, that of the highest version counts, then of the highest id: so the registry is the same in
 * whatever order changes come, and however often. The version is above all that its author knew, and no clock takes part.
 */
import type { Control, RegistryChange } from './records/fields.ts'

export type RegistryProperty = RegistryChange['property']
export type RegistryControl = Extract<Control, { type: 'registry' }>

/** `[fromMs, toMs)`, without an end where `toMs` is absent. */
export interface RegistrySpan {
  fromMs: number
  toMs?: number
  /** Absent: it was taken back here, and the default holds. */
  value?: string
  version: number
  id: string
  by: string
  reason?: string
  atMs: number
}

/** Spans of one property, disjoint and ascending. */
export type RegistryEntry = Partial<Record<RegistryProperty, RegistrySpan[]>>
export type Registry = Map<string, RegistryEntry>

export function takeChanges(registry: Registry, { changes, version, id, by, reason, atMs }: RegistryControl): void {
  for (const { device, property, ...span } of changes) {
    const entry = registry.get(device) ?? {}
    registry.set(device, entry)
    entry[property] = paint(entry[property] ?? [], { ...span, version, id, by, ...(reason ? { reason } : {}), atMs })
  }
}

const endOf = ({ toMs = Number.POSITIVE_INFINITY }: { toMs?: number | undefined }) => toMs

function paint(spans: RegistrySpan[], change: RegistrySpan): RegistrySpan[] {
  let own = [change]
  const others: RegistrySpan[] = []
  for (const span of spans) {
    if (isSame(span, change)) own = own.flatMap((piece) => without(piece, span))
    if (isSame(span, change) || isAbove(span, change)) others.push(span)
    else others.push(...without(span, change))
    if (isAbove(span, change)) own = own.flatMap((piece) => without(piece, span))
  }
  return [...others, ...own].sort((a, b) => a.fromMs - b.fromMs)
}

const isSame = (a: RegistrySpan, b: RegistrySpan) => a.version === b.version && a.id === b.id
const isAbove = (a: RegistrySpan, b: RegistrySpan) => a.version > b.version || (a.version === b.version && a.id > b.id)

/** What of `span` lies outside `other`. */
function without(span: RegistrySpan, other: RegistrySpan): RegistrySpan[] {
  if (endOf(other) <= span.fromMs || endOf(span) <= other.fromMs) return [span]
  const pieces: RegistrySpan[] = []
  if (span.fromMs < other.fromMs) pieces.push({ ...span, toMs: other.fromMs })
  if (endOf(other) < endOf(span)) pieces.push({ ...span, fromMs: other.toMs! })
  return pieces
}

/** Undefined: nothing was said of that time. */
export function spanAt(spans: RegistrySpan[] | undefined, t: number): RegistrySpan | undefined {
  let low = 0
  let high = (spans?.length ?? 0) - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const span = spans![middle]!
    if (t < span.fromMs) high = middle - 1
    else if (t >= endOf(span)) low = middle + 1
    else return span
  }
  return undefined
}

/** By default a device is its own subject. */
export function subjectAt(registry: Registry, device: string, t: number): string {
  return spanAt(registry.get(device)?.subject, t)?.value ?? device
}

export interface SubjectStretch {
  subject: string
  fromMs: number
  /** Exclusive. */
  toMs: number
}

/** What a device measured in `[fromMs, toMs)`: stretches without a hole between them, neighbours of different subjects. */
export function subjectsBetween(registry: Registry, device: string, fromMs: number, toMs: number): SubjectStretch[] {
  const found: SubjectStretch[] = []
  const add = (subject: string, fromMs: number, toMs: number) => {
    const last = found.at(-1)
    if (last?.subject === subject) last.toMs = toMs
    else if (fromMs < toMs) found.push({ subject, fromMs, toMs })
  }
  let at = fromMs
  for (const span of registry.get(device)?.subject ?? []) {
    if (endOf(span) <= at) continue
    if (span.fromMs >= toMs) break
    if (span.fromMs > at) add(device, at, span.fromMs)
    const endMs = Math.min(endOf(span), toMs)
    add(span.value ?? device, Math.max(at, span.fromMs), endMs)
    at = endMs
  }
  if (at < toMs) add(device, at, toMs)
  return found
}

/** The highest version that is known. */
export function registryVersion(registry: Registry): number {
  let highest = 0
  for (const entry of registry.values())
    for (const spans of Object.values(entry)) for (const { version } of spans) highest = Math.max(highest, version)
  return highest
}
