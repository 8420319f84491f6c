/** Which bytes are a frame: sync, length, what is required, checksum. */
import type { Match } from '../framer.ts'
import { sealOf } from './checksum.ts'
import { type Check, checkOf } from './condition.ts'
import { type NumberAt, numberAt } from './number.ts'
import type { FrameConfig } from './schema.ts'

interface Layout {
  match: Match
  /** Why a stretch is not a frame: `checksum` where all else is right of the first thing in it that begins as one. */
  reasonOf(stretch: Uint8Array): string
  sync: Uint8Array
  length: LengthRule
  rules: Check[]
  seal: ReturnType<typeof sealOf> | undefined
}

interface LengthRule {
  /** 0: more bytes are needed to tell; -1: it cannot be right. */
  of(buffer: Uint8Array, from: number, available: number): number
  /** Of a frame that is so long at least. */
  atLeast(bytes: number): number
  write(frame: Uint8Array): void
}

export function hexBytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'))
}

export function layoutOf(config: FrameConfig): Layout {
  const sync = hexBytesOf(config.sync ?? '')
  const rules = config.require.map((condition) => checkOf(condition, config))
  const seal = config.checksum && sealOf(config.checksum, config.endian)
  const length = lengthRule(config, Math.max(sync.length, 1) + (seal?.bytes ?? 0))

  function framed(buffer: Uint8Array, from: number, end: number): number {
    const available = end - from
    for (let k = 0; k < sync.length && k < available; k++) if (buffer[from + k] !== sync[k]) return -1
    if (available < sync.length) return 0
    const whole = length.of(buffer, from, available)
    if (whole < 0) return -1
    for (const rule of rules) if (rule.holds(buffer, from, available, whole || Number.POSITIVE_INFINITY) === false) return -1
    if (whole === 0 || available < whole) return 0
    return rules.every((rule) => rule.holds(buffer, from, whole, whole)) ? whole : -1
  }

  return {
    sync,
    length,
    rules,
    seal,
    match(buffer, from, end) {
      const whole = framed(buffer, from, end)
      return whole > 0 && seal && !seal.isRight(buffer, from, whole) ? -1 : whole
    },
    reasonOf(stretch) {
      if (sync.length === 0 || !seal) return 'not-a-frame'
      const start = Buffer.from(stretch.buffer, stretch.byteOffset, stretch.length).indexOf(sync)
      return start >= 0 && framed(stretch, start, stretch.length) > 0 ? 'checksum' : 'not-a-frame'
    },
  }
}

function lengthRule({ length, endian }: FrameConfig, least: number): LengthRule {
  if (typeof length === 'number') return { of: () => length, atLeast: () => length, write() {} }
  const number: NumberAt = numberAt(length, endian)
  const { times, plus, max } = length
  const min = Math.max(length.min, least, number.reach(0))
  return {
    of(buffer, from, available) {
      if (number.reach(0) > available) return 0
      const whole = number.read(buffer, from, 0) * times + plus
      return whole >= min && whole <= max ? whole : -1
    },
    atLeast: (bytes) => Math.ceil((Math.max(bytes, min) - plus) / times) * times + plus,
    write: (frame) => number.write(frame, (frame.length - plus) / times),
  }
}
