/** Which part of a description bytes fail, for people. */
import { checkOf } from './condition.ts'
import { layoutOf } from './layout.ts'
import type { Condition, FrameConfig } from './schema.ts'

/** Of the first thing in them that begins as a frame. */
export function explain(config: FrameConfig, bytes: Uint8Array): string | undefined {
  const { sync, length, seal } = layoutOf(config)
  const from = sync.length === 0 ? 0 : Buffer.from(bytes).indexOf(sync)
  if (from < 0) return `there is no sync ${config.sync} in it`
  const whole = length.of(bytes, from, bytes.length - from)
  if (whole < 0) return `the length at byte ${from} is not within its bounds`
  for (const [k, condition] of config.require.entries()) {
    const held = checkOf(condition, config).holds(bytes, from, bytes.length - from, whole || Number.POSITIVE_INFINITY)
    if (held === false) return `require ${k} does not hold (${nameOf(condition)}) for a frame from byte ${from}`
  }
  if (whole === 0 || bytes.length - from < whole) return `from byte ${from} a frame begins and ends too early`
  return seal && !seal.isRight(bytes, from, whole)
    ? `the checksum of the ${whole} bytes from byte ${from} is wrong: ${seal.explain(bytes, from, whole)}`
    : undefined
}

function nameOf({ at, field, not, is }: Condition): string {
  return `${field ?? `byte ${at}`} must ${not ? 'not ' : ''}be ${JSON.stringify(is)}`
}
