/** Faults of one device as spans of time: a fault begins, loses frames, and ends; then it is a line of the manifest. */
import type { Emission } from './instruments/instrument.ts'
import type { FaultKind, ManifestWriter } from './manifest/index.ts'

export interface Faults {
  begin(kind: FaultKind, atMs: number): void
  /** A frame was lost to this fault, which begins by that if it had not. */
  lose(kind: FaultKind, emission: Emission, atMs: number): void
  end(kind: FaultKind, atMs: number): void
  /** Of a single moment. */
  note(kind: FaultKind, atMs: number, bytes: number): void
  /** Writes what still lasts, without an end. */
  close(): void
}

export function createFaults(device: string, manifest: ManifestWriter): Faults {
  const lasting = new Map<FaultKind, { fromMs: number; bytes: number; frames: number }>()
  const begin = (kind: FaultKind, atMs: number) => {
    let span = lasting.get(kind)
    if (!span) {
      span = { fromMs: atMs, bytes: 0, frames: 0 }
      lasting.set(kind, span)
      manifest.broken(device)
    }
    return span
  }
  return {
    begin,
    lose(kind, emission, atMs) {
      const span = begin(kind, atMs)
      span.bytes += emission.bytes.length
      span.frames += emission.frames
    },
    end(kind, atMs) {
      const span = lasting.get(kind)
      if (!span) return
      lasting.delete(kind)
      manifest.broken(device)
      manifest.fault({ device, kind, fromMs: span.fromMs, toMs: atMs, bytes: span.bytes, frames: span.frames })
    },
    note: (kind, atMs, bytes) => manifest.fault({ device, kind, fromMs: atMs, toMs: atMs, bytes }),
    close() {
      for (const [kind, span] of lasting) manifest.fault({ device, kind, ...span })
      lasting.clear()
    },
  }
}
