/** Reads a manifest, whole or a line at a time. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Segment, Value } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { DeviceTotals, Fault, ManifestHeader, ManifestLine, Produced } from './manifest.ts'

/** Everything of a finished or running manifest. */
export interface Manifest extends Omit<ManifestHeader, 'f' | 'k'> {
  /** By device and channel, in the order of writing. */
  scalars: Map<string, Map<string, { t: number[]; v: Value[] }>>
  waves: Map<string, Map<string, Segment[]>>
  faults: Fault[]
  /** Absent when the simulator was killed. */
  totals?: Record<string, DeviceTotals>
}

/** Lines in order, one at a time. @throws MillraceError CONFIG_NOT_FOUND, CONFIG_INVALID for a file that is not a manifest. */
export async function* readManifestLines(path: string): AsyncGenerator<ManifestLine> {
  let number = 0
  for await (const text of createInterface({ input: createReadStream(path, 'utf8') })) {
    const line = parseLine(text)
    if (number++ === 0 && (line?.k !== 'manifest' || line.f !== 1))
      throw new MillraceError('CONFIG_INVALID', { path, detail: 'it is no manifest of a simulator run, or of a newer format' })
    if (line) yield line
  }
}

/** Reads a whole manifest into memory. */
export async function readManifest(path: string): Promise<Manifest> {
  let manifest: Manifest | undefined
  for await (const line of readManifestLines(path)) {
    if (line.k === 'manifest') {
      const { f: _, k: __, ...header } = line
      manifest = { ...header, scalars: new Map(), waves: new Map(), faults: [] }
    } else if (line.k === 'produced') collect(manifest!, line)
    else if (line.k === 'fault') manifest!.faults.push(line)
    else manifest!.totals = line.totals
  }
  if (!manifest) throw new MillraceError('CONFIG_INVALID', { path, detail: 'it is empty' })
  return manifest
}

function collect(manifest: Manifest, line: Produced): void {
  if (typeof line.t === 'number') {
    const { t, i, v } = line as Extract<Produced, { t: number }>
    entry(
      entry(manifest.waves, line.device, () => new Map<string, Segment[]>()),
      line.channel,
      () => [],
    ).push({ t, i, v })
    return
  }
  const columns = entry(manifest.scalars, line.device, () => new Map<string, { t: number[]; v: Value[] }>())
  const column = entry(columns, line.channel, () => ({ t: [], v: [] }))
  for (const at of line.t) column.t.push(at)
  for (const value of line.v) column.v.push(value)
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function parseLine(text: string): ManifestLine | undefined {
  try {
    return JSON.parse(text) as ManifestLine
  } catch {
    return undefined
  }
}
