import type { Entry } from '../outbox/entry.ts'
import type { SpoolFile } from './file.ts'

interface Sum {
  batches: number
  readings: number
  samples: number
  bytes: number
  fromMs: number
  toMs: number
}

/** What waits, summed up for each device; what was set aside, one by one. */
export function listLines(file: SpoolFile): string[] {
  const all = { what: 'all', device: undefined, ids: undefined } as const
  const devices = new Map<string, Sum>()
  for (const { entry } of file.rows('waiting', all)) if (entry.kind === 'data') addTo(devices, entry)
  const aside = [...file.rows('aside', all)].map(({ id, entry }) => {
    const { stream, number, kind, device, count, samples, bytes, first, last } = entry
    return `  ${id}: ${stream}/${number} ${device || kind}, ${sumText({ readings: count, samples, bytes, fromMs: first, toMs: last })}`
  })
  const waiting = [...devices].map(([device, sum]) => `  ${device}: ${sum.batches} batches, ${sumText(sum)}`)
  return ['waiting:', ...orNone(waiting), 'set aside:', ...orNone(aside)]
}

function addTo(devices: Map<string, Sum>, { device, count, samples, bytes, first, last }: Entry): void {
  const sum = devices.get(device) ?? { batches: 0, readings: 0, samples: 0, bytes: 0, fromMs: first, toMs: last }
  sum.batches++
  sum.readings += count
  sum.samples += samples
  sum.bytes += bytes
  sum.fromMs = Math.min(sum.fromMs, first)
  sum.toMs = Math.max(sum.toMs, last)
  devices.set(device, sum)
}

function sumText({ readings, samples, bytes, fromMs, toMs }: Omit<Sum, 'batches'>): string {
  return `${readings} readings, ${samples} samples, ${bytes} bytes, ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`
}

function orNone(lines: string[]): string[] {
  return lines.length > 0 ? lines : ['  none']
}
