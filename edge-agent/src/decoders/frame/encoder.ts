/** Frames for the simulators and tests: values where they belong, conditions made to hold, length and checksum put in. */
import type { Value } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import type { Frame } from '../decoder.ts'
import { type Check, checkOf, firstOf } from './condition.ts'
import { type CompiledField, compileFields } from './fields.ts'
import { layoutOf } from './layout.ts'
import type { FrameConfig } from './schema.ts'

/** `extra.absent` is a reason of `absences`, `extra.samples` by channel the samples of a waveform that has several a frame. */
export function createEncoder(config: FrameConfig): (frame: Frame) => Uint8Array {
  const { sync, length, rules, seal } = layoutOf(config)
  const fields = compileFields(config)
  const absences = config.absences.map(({ when, reason }) => ({ reason, checks: when.map((one) => checkOf(one, config)) }))
  return ({ values, extra }) => {
    const present = fields.filter(({ name }) => Object.hasOwn(values, name))
    const reach = Math.max(sync.length, ...present.flatMap((field) => reachesOf(field)))
    const frame = new Uint8Array(length.atLeast(reach + (seal?.bytes ?? 0)))
    frame.set(sync)
    length.write(frame)
    writeAll(rules, frame)
    for (const { number, invalid, name } of fields)
      if (invalid && !Object.hasOwn(values, name)) number.write(frame, firstOf(invalid))
    for (const field of present) {
      const samples = ownValue((extra?.samples ?? {}) as Record<string, number[]>, field.name)
      writeField(frame, field, samples ?? [ownValue(values, field.name)!])
    }
    writeAll(absences.find(({ reason }) => reason === extra?.absent)?.checks ?? [], frame)
    seal?.write(frame)
    return frame
  }
}

function reachesOf({ number, numbers }: CompiledField): number[] {
  return [number, ...numbers].map((one) => one.reach(0)).filter(Number.isFinite)
}

function writeAll(checks: Check[], frame: Uint8Array): void {
  for (const check of checks) check.write(frame)
}

/** The last value is repeated where there are more samples. */
function writeField(frame: Uint8Array, { number, numbers, checks }: CompiledField, values: Value[]): void {
  writeAll(checks, frame)
  if (numbers.length === 0) return number.write(frame, Number(values[0]))
  for (const [k, each] of numbers.entries()) each.write(frame, Number(values[k] ?? values.at(-1)))
}
