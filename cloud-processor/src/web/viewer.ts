/**
 * One live connection (server-sent events) with a bound on what waits unsent for it:
 * - over a quarter of the bound it gets no waveforms;
 * - over the bound it gets nothing, and one fresh `hello` when it has caught up: memory does not grow with a frozen page;
 * - when it took nothing for `viewerStalledMs` it is closed.
 */
import type { ServerResponse } from 'node:http'
import type { Scope } from '../people/index.ts'
import type { WebConfig } from './config.ts'

export interface Frames {
  /** For those who asked for this device's values; absent: for everybody who sees what it is about. */
  device?: string
  /** The device that it is about, where it is for everybody who sees that. */
  about?: string
  text: string
  /** What it is for a viewer with a scope, where it is about no single device. Absent: nothing. */
  within?(scope: Scope): string
  /** What to send instead to a viewer that wants or gets no waveforms. */
  withoutWaves?: string
}

export interface Viewer {
  send(frames: Frames[]): void
  /** Once a second: catches up, or gives up. */
  tend(): void
  end(): void
}

export interface Subscription {
  devices(device: string): boolean
  waves(device: string): boolean
  scope: Scope
}

export interface ViewerOptions {
  subscription: Subscription
  limits: Pick<WebConfig, 'viewerBytesMax' | 'viewerStalledMs'>
  monotonic(): number
  /** The text of a fresh `hello`. */
  hello(): string
  skipped(what: 'waves' | 'events'): void
}

export function createViewer(raw: ServerResponse, options: ViewerOptions): Viewer {
  return new LiveViewer(raw, options)
}

class LiveViewer implements Viewer {
  readonly #raw: ServerResponse
  readonly #options: ViewerOptions
  #behindSince: number | undefined = undefined
  /** What a greeting may take on top of the bound, until it has gone out: in a large fleet it is larger than the bound. */
  #greetingBytes = 0

  constructor(raw: ServerResponse, options: ViewerOptions) {
    this.#raw = raw
    this.#options = options
    raw.on('drain', () => {
      this.#greetingBytes = 0
      this.#catchUp()
    })
    this.#greet('retry: 1000\n\n')
  }

  send(frames: Frames[]): void {
    const { subscription, limits, monotonic, skipped } = this.#options
    if (this.#behindSince !== undefined) return skipped('events')
    if (this.#raw.writableLength > limits.viewerBytesMax + this.#greetingBytes) {
      this.#behindSince = monotonic()
      return skipped('events')
    }
    const slow = this.#raw.writableLength > limits.viewerBytesMax / 4 + this.#greetingBytes
    if (slow) skipped('waves')
    const text = frames.map((frame) => choose(frame, subscription, slow)).join('')
    if (text !== '') this.#raw.write(text)
  }

  tend(): void {
    if (this.#behindSince === undefined) return
    const { limits, monotonic } = this.#options
    if (monotonic() - this.#behindSince > limits.viewerStalledMs) this.#raw.destroy()
    else this.#catchUp()
  }

  #catchUp(): void {
    if (this.#behindSince === undefined || this.#raw.writableLength > this.#options.limits.viewerBytesMax / 4) return
    this.#behindSince = undefined
    this.#greet()
  }

  #greet(before = ''): void {
    const text = before + this.#options.hello()
    this.#greetingBytes = Buffer.byteLength(text)
    this.#raw.write(text)
  }

  end(): void {
    this.#raw.end()
  }
}

function choose(
  { device, about = device, text, within, withoutWaves }: Frames,
  subscription: Subscription,
  slow: boolean,
): string {
  const { scope } = subscription
  if (about === undefined) return scope.isWhole ? text : (within?.(scope) ?? '')
  if (!scope.sees(about)) return ''
  if (device === undefined) return text
  if (!subscription.devices(device)) return ''
  return withoutWaves !== undefined && (slow || !subscription.waves(device)) ? withoutWaves : text
}
