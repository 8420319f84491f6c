/**
 * What an agent says of the clock that stamped a batch, in the `body` of the Sparkplug payload:
 *
 *   millrace-clock:<offsetMs>/<uncertaintyMs>[/<sentOffsetMs>]     whole ms
 *
 * A batch may be older than the run of the agent that sends it: then the clock that stamped it is another than the one that
 * stamps the message. Who does not know this form passes over it: nothing else uses `body`.
 */
export interface ClockOffset {
  /** Processor's clock less the clock that stamped the readings. */
  offsetMs: number
  /** The offset is right to so much either way. */
  uncertaintyMs: number
  /** Processor's clock less the clock that stamped the message. */
  sentOffsetMs: number
}

const pattern = /^millrace-clock:(-?\d{1,15})\/(\d{1,15})(?:\/(-?\d{1,15}))?$/
const bytesMax = 64

export function encodeClockOffset({ offsetMs, uncertaintyMs, sentOffsetMs }: ClockOffset): Buffer {
  const sent = sentOffsetMs === offsetMs ? '' : `/${sentOffsetMs}`
  return Buffer.from(`millrace-clock:${offsetMs}/${uncertaintyMs}${sent}`, 'latin1')
}

/** Undefined when the bytes say something else. */
export function decodeClockOffset(body: Buffer | undefined): ClockOffset | undefined {
  if (body === undefined || body.length > bytesMax) return undefined
  const match = pattern.exec(body.toString('latin1'))
  if (!match) return undefined
  const offsetMs = Number(match[1])
  return { offsetMs, uncertaintyMs: Number(match[2]), sentOffsetMs: match[3] === undefined ? offsetMs : Number(match[3]) }
}
