/** Where the bytes to try come from: a live line for a while, or a file. */
import { readFileSync } from 'node:fs'
import { type Clock, every, type Log, MillraceError } from '@millrace/platform'
import type { DeviceConfig } from '../config.ts'
import { resolveDevice } from '../config.ts'
import { type CaptureEntry, type CaptureHead, parseCapture } from '../decoders/capture.ts'
import type { Decoder, Sink } from '../decoders/index.ts'

/** What a line does, in order. */
export interface Follower {
  opened(atMs: number): void
  bytes(bytes: Uint8Array, atMs: number): void
  /** A request of the decoder went out. */
  sent(bytes: Uint8Array, atMs: number): void
  lost(atMs: number, reason: string, detail: string): void
}

export interface LineContext {
  clock: Clock
  log: Log
  /** Resolves when it has been long enough. */
  ended: Promise<void>
}

/** Opens the device's line, and asks what its decoder asks. */
export async function followLine(
  device: DeviceConfig,
  { decoder, sink, follower }: { decoder: Decoder; sink: Sink; follower: Follower },
  { clock, log, ended }: LineContext,
): Promise<void> {
  const { bus: plugin, busConfig } = resolveDevice(device)
  const bus = plugin.create(busConfig, { clock, log })
  const { commands = {}, poll } = decoder
  const stops: (() => void)[] = []
  const stopAsking = () => {
    for (const stop of stops.splice(0)) stop()
  }
  const ask = () => {
    const request = poll?.next(clock.now(), sink)
    if (!request) return
    bus.write(request)
    follower.sent(request, clock.now())
  }
  bus.start({
    opened(atMs) {
      follower.opened(atMs)
      stopAsking()
      if (commands.onOpen) bus.write(commands.onOpen)
      const { keepAlive } = commands
      if (keepAlive) stops.push(every(clock, keepAlive.intervalMs, () => bus.write(keepAlive.bytes)))
      if (poll) stops.push(every(clock, poll.everyMs, ask))
    },
    bytes: (bytes, atMs) => follower.bytes(bytes, atMs),
    lost(sinceMs, reason, detail) {
      stopAsking()
      follower.lost(sinceMs, reason, detail)
    },
  })
  await ended
  stopAsking()
  await bus.stop()
}

/** A capture with times, or the raw bytes of a line at the pace of `bytesPerMs`. @throws MillraceError EDGE_CAPTURE_INVALID */
export function readCaptureFile(path: string, bytesPerMs: number): { head: CaptureHead | undefined; entries: CaptureEntry[] } {
  const content = readContent(path)
  if (!content.subarray(0, 64).includes('"capture"')) return { head: undefined, entries: piecesOf(content, bytesPerMs) }
  try {
    return parseCapture(content.toString('utf8'))
  } catch (cause) {
    throw invalid(path, cause)
  }
}

function readContent(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw invalid(path, cause)
  }
}

function invalid(path: string, cause: unknown): MillraceError {
  return new MillraceError('EDGE_CAPTURE_INVALID', { path, detail: (cause as Error).message }, cause)
}

const pieceMs = 50

function piecesOf(bytes: Buffer, bytesPerMs: number): CaptureEntry[] {
  const size = Math.max(1, Math.round(bytesPerMs * pieceMs))
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, k) => ({
    ms: k * pieceMs,
    hex: bytes.subarray(k * size, (k + 1) * size).toString('hex'),
  }))
}

export function playCapture(entries: CaptureEntry[], startMs: number, follower: Follower): void {
  for (const entry of entries) {
    const atMs = startMs + entry.ms
    if ('hex' in entry) follower.bytes(Buffer.from(entry.hex, 'hex'), atMs)
    else if ('sent' in entry) follower.sent(Buffer.from(entry.sent, 'hex'), atMs)
    else if (entry.event === 'opened') follower.opened(atMs)
    else follower.lost(atMs, entry.reason ?? 'unplugged', '')
  }
}
