/** `millrace-agent try` and `millrace-agent record`: what a line says, and what its decoder makes of it. Nothing is kept or sent. */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { MillraceError } from '@millrace/platform'
import { type AgentConfig, type DeviceConfig, resolveDevice } from '../config.ts'
import type { Decoder } from '../decoders/index.ts'
import { candidatesOf } from './candidates.ts'
import { type Follower, followLine, type LineContext, playCapture, readCaptureFile } from './play.ts'
import { Tried } from './tried.ts'

type Say = (line: string) => void

/** Of those that the configuration names. @throws MillraceError CONFIG_INVALID */
export function deviceOf({ devices }: AgentConfig, id: string): DeviceConfig {
  const found = devices.find((device) => device.id === id)
  if (found) return found
  const known = devices.map((device) => device.id).join(', ') || 'none'
  throw new MillraceError('CONFIG_INVALID', { path: 'devices', detail: `${id} is not a device; the devices are ${known}` })
}

/** Bits of a byte on the line, with start and stop. */
const bitsPerByte = 10
const unknownBytesPerMs = 1

/** Whether frames were read. */
export async function tryDevice(
  device: DeviceConfig,
  capture: string | undefined,
  context: LineContext,
  say: Say,
): Promise<boolean> {
  const { decoder: plugin, decoderConfig: config } = resolveDevice(device)
  const { baudRate, dataBits, parity, stopBits } = plugin.link(config)
  const link = `${baudRate} ${dataBits}${parity[0]!.toUpperCase()}${stopBits}`
  say(
    `${device.id}: decoder ${plugin.kind}, ${link}, channels ${plugin
      .channels(config)
      .map(({ name }) => name)
      .join(', ')}`,
  )
  const file = capture === undefined ? undefined : readCaptureFile(capture, baudRate / bitsPerByte / 1000)
  const startMs = file?.head?.startMs ?? context.clock.now()
  const decoder = plugin.create(config)
  const tried = new Tried({ plugin, config, startMs }, say)
  const follower = new Decoding(decoder, tried, say)
  if (file) playCapture(file.entries, startMs, follower)
  else await followLine(device, { decoder, sink: tried, follower }, context)
  follower.flush()
  say(tried.sums())
  if (tried.frames === 0) for (const line of candidatesOf(follower.all())) say(line)
  return tried.frames > 0
}

/** What bytes of a file may be, of which no device is known. */
export function tryUnknown(capture: string, say: Say): void {
  const { entries } = readCaptureFile(capture, unknownBytesPerMs)
  const bytes = entries.flatMap((entry) => ('hex' in entry ? [Buffer.from(entry.hex, 'hex')] : []))
  for (const line of candidatesOf(Buffer.concat(bytes))) say(line)
}

/** Writes what comes to a file, until the context ends. */
export async function recordDevice(device: DeviceConfig, to: string, context: LineContext, say: Say): Promise<void> {
  const { decoder: plugin, decoderConfig: config } = resolveDevice(device)
  const startMs = context.clock.now()
  const out = createWriteStream(to, { flags: 'wx' })
  const written = finished(out)
  const put = (line: object) => void out.write(`${JSON.stringify(line)}\n`)
  const decoder = plugin.create(config)
  const tried = new Tried({ plugin, config, startMs }, () => {})
  let total = 0
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const since = (atMs: number) => Math.max(0, atMs - startMs)
  put({ k: 'capture', version: 1, device: device.id, decoder: device.decoder, startMs })
  const follower: Follower = {
    opened(atMs) {
      decoder.reset()
      put({ ms: since(atMs), event: 'opened' })
    },
    bytes(bytes, atMs) {
      total += bytes.length
      decoder.decode(bytes, atMs, tried)
      put({ ms: since(atMs), hex: hex(bytes) })
    },
    sent: (bytes, atMs) => put({ ms: since(atMs), sent: hex(bytes) }),
    lost(atMs, reason, detail) {
      say(`lost (${reason}): ${detail}`)
      put({ ms: since(atMs), event: 'lost', reason })
    },
  }
  const line = followLine(device, { decoder, sink: tried, follower }, context).finally(() => out.end())
  await Promise.all([line, written]).catch((cause) => {
    throw cause?.syscall ? new MillraceError('EDGE_CAPTURE_INVALID', { path: to, detail: cause.message }, cause) : cause
  })
  say(`${total} bytes in ${to}; ${tried.sums()}`)
}

const keptBytesMax = 65_536

class Decoding implements Follower {
  readonly #decoder: Decoder
  readonly #tried: Tried
  readonly #say: Say
  readonly #kept: Uint8Array[] = []
  #bytes = 0
  #lastMs = 0

  constructor(decoder: Decoder, tried: Tried, say: Say) {
    this.#decoder = decoder
    this.#tried = tried
    this.#say = say
  }

  opened(): void {
    this.#decoder.reset()
  }

  bytes(bytes: Uint8Array, atMs: number): void {
    this.#lastMs = atMs
    if (this.#bytes < keptBytesMax) this.#kept.push(Uint8Array.from(bytes))
    this.#bytes += bytes.length
    this.#decoder.decode(bytes, atMs, this.#tried)
  }

  /** Of a capture: a decoder reads the requests that it hears. Live it knows its own. */
  sent(bytes: Uint8Array, atMs: number): void {
    this.#decoder.decode(bytes, atMs, this.#tried)
  }

  lost(_atMs: number, reason: string, detail: string): void {
    this.#say(`lost (${reason}): ${detail}`)
    this.#decoder.reset()
  }

  /** A stretch is told when a frame ends it, or when it is old and more comes. */
  flush(): void {
    this.#decoder.decode(Uint8Array.of(0), this.#lastMs + 2000, this.#tried)
  }

  all(): Uint8Array {
    return Buffer.concat(this.#kept)
  }
}
