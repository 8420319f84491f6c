/** Exports by subject: the lines of a device, each stretch of its time in front of whom it measured. */
import type { ChannelKind, Registry, SubjectStretch } from '@millrace/contract'
import { subjectsBetween } from '@millrace/contract'
import type { StoreReader } from '../../stores/store.ts'
import { type ExportRange, exportLines } from '../export.ts'

/** The end of a stretch is not within: this is just before it, for samples too. */
const justBefore = (ms: number) => ms - 0.001

interface Stretch extends SubjectStretch {
  device: string
  channel: string
  kind: ChannelKind
}

/** @param name what each line begins with: its device, or its subject */
export async function* stretchLines(store: StoreReader, stretch: Stretch, name: 'device' | 'subject'): AsyncGenerator<string> {
  const { device, channel, kind, fromMs, toMs } = stretch
  const head = `{"${name}":${JSON.stringify(stretch[name])},`
  for await (const lines of exportLines(store, kind, { device, channel, from: fromMs, to: justBefore(toMs) }))
    yield lines.replaceAll(/^\{/gm, () => head)
}

/** As `exportLines`; of a device that is or was assigned, each line says the subject. */
export async function* deviceLines(
  { store, registry }: { store: StoreReader; registry: Registry },
  kind: ChannelKind,
  range: ExportRange,
): AsyncGenerator<string> {
  const { device, channel, from, to } = range
  if (!registry.get(device)?.subject) return yield* exportLines(store, kind, range)
  for (const stretch of subjectsBetween(registry, device, from, to + 1))
    yield* stretchLines(store, { ...stretch, device, channel, kind }, 'subject')
}
