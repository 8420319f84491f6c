/** Asks for one block of registers after another, and waits for each answer. */
import type { Poll, Sink } from '../decoder.ts'
import { type Request, writeRequest } from './frames.ts'

interface PollOptions {
  unit: number
  everyMs: number
  timeoutMs: number
  blocks: Request[]
}

/** How often it is looked whether the next request is due; longer than the silence of 3.5 characters between frames at 2400 baud. */
const lookMs = 20

export class BlockPoll implements Poll {
  readonly everyMs = lookMs
  readonly #options: PollOptions
  readonly #onSilence: (request: Request, atMs: number, sink: Sink) => void
  #next = 0
  #roundMs = Number.NEGATIVE_INFINITY
  #sentMs = Number.NEGATIVE_INFINITY
  #quietMs = 0
  /** What the next answer is to; set by any request that was heard. */
  expected: Request | undefined

  constructor(options: PollOptions, onSilence: (request: Request, atMs: number, sink: Sink) => void) {
    this.#options = options
    this.#onSilence = onSilence
  }

  reset(): void {
    this.expected = undefined
    this.#next = 0
    this.#quietMs = 0
    this.#roundMs = Number.NEGATIVE_INFINITY
  }

  next(nowMs: number, sink: Sink): Uint8Array | undefined {
    const { unit, everyMs, timeoutMs, blocks } = this.#options
    if (!isOver(this.#sentMs, nowMs, this.expected ? timeoutMs : this.#quietMs)) return undefined
    if (this.expected) return this.#giveUp(this.expected, nowMs, sink)
    if (this.#next === 0 && !isOver(this.#roundMs, nowMs, everyMs)) return undefined
    if (this.#next === 0) this.#roundMs = nowMs
    this.expected = blocks[this.#next]!
    this.#next = (this.#next + 1) % blocks.length
    this.#sentMs = nowMs
    this.#quietMs = 0
    return writeRequest(unit, this.expected)
  }

  /** A late answer would be taken for that to the next request: as long again nothing is asked. */
  #giveUp(request: Request, nowMs: number, sink: Sink): undefined {
    this.expected = undefined
    this.#sentMs = nowMs
    this.#quietMs = this.#options.timeoutMs
    this.#onSilence(request, nowMs, sink)
  }
}

/** Also when the clock was set back. */
function isOver(sinceMs: number, nowMs: number, ms: number): boolean {
  return nowMs - sinceMs >= ms || nowMs < sinceMs
}
