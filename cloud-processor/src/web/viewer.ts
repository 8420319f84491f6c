/**
 * One live connection (server-sent events) with a bound on what waits unsent for it:
 * - over a quarter of the bound it gets no waveforms;
 * - over the bound it gets nothing, and one fresh `hello` when it has caught up: memory does not grow with a frozen page;
 * - when it took nothing for `viewerStalledMs` it is closed.
 */
import type { ServerResponse } from 'node:http'
import type { WebConfig } from './config.ts'

export interface Frames {
  /** For this device only; absent: for everybody. */
  device?: string
  text: string
  /** What to send instead to a viewer that wants or gets no waveforms. */
  withoutWaves?: string
}

export interface Viewer {
  send(frames: Frames[]): void
  /** Once a second: catches up, or gives up. */
  tend(): void
  end(): void
}

export interface Wishes {
  devices(device: string): boolean
  waves(device: string): boolean
}

type Limits = Pick<WebConfig, 'viewerBytesMax' | 'viewerStalledMs'>

export function createViewer(
  raw: ServerResponse,
  wishes: Wishes,
  limits: Limits,
  monotonic: () => number,
  hello: () => string,
  skipped: (what: 'waves' | 'events') => void,
): Viewer {
  let behindSince: number | undefined
  /** What a greeting may take on top of the bound, until it has gone out: in a large fleet it is larger than the bound. */
  let greetingBytes = 0

  const greet = (before = '') => {
    const text = before + hello()
    greetingBytes = Buffer.byteLength(text)
    raw.write(text)
  }

  const catchUp = () => {
    if (behindSince === undefined || raw.writableLength > limits.viewerBytesMax / 4) return
    behindSince = undefined
    greet()
  }
  raw.on('drain', () => {
    greetingBytes = 0
    catchUp()
  })
  greet('retry: 1000\n\n')

  return {
    send(frames) {
      if (behindSince !== undefined) return skipped('events')
      if (raw.writableLength > limits.viewerBytesMax + greetingBytes) {
        behindSince = monotonic()
        return skipped('events')
      }
      const slow = raw.writableLength > limits.viewerBytesMax / 4 + greetingBytes
      if (slow) skipped('waves')
      const text = frames.map((frame) => choose(frame, wishes, slow)).join('')
      if (text !== '') raw.write(text)
    },
    tend() {
      if (behindSince === undefined) return
      if (monotonic() - behindSince > limits.viewerStalledMs) raw.destroy()
      else catchUp()
    },
    end: () => void raw.end(),
  }
}

function choose({ device, text, withoutWaves }: Frames, wishes: Wishes, slow: boolean): string {
  if (device === undefined) return text
  if (!wishes.devices(device)) return ''
  return withoutWaves !== undefined && (slow || !wishes.waves(device)) ? withoutWaves : text
}
