/**
 * Remote care of gateways, from the cloud: what they report is kept, a configuration that one is to have is sent until it has an outcome,
 * roll-outs go on where they were after any end of this process. Reports come by way of the timeline, orders leave by the bridge.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { GatewayOrder, GatewayRecord, OrderAnswer } from '@millrace/contract'
import { type Clock, every, type Log, MillraceError } from '@millrace/platform'
import { GatewaysFile } from './file.ts'
import { type Action, advance, isOpen, type Known, type Rollout, stop, supersede } from './rollout.ts'

/** What a gateway is to have. */
interface Wanted {
  version: number
  hash: string
  text: string
  over: string
}

export interface GatewaysContext {
  path: string
  host: string
  /** Sends an order to a gateway. */
  send(node: string, order: GatewayOrder): void
  /** Nobody else can write on the link between processor and broker, and the broker knows who writes. */
  isAuthenticated: boolean
  clock: Clock
  log: Log
}

/** Without `host`, which is put in. */
type Ordered<T = GatewayOrder> = T extends GatewayOrder ? Omit<T, 'f' | 'host'> : never

const tendMs = 1000
/** What waits for an outcome is sent again so often, at first and after a minute. */
const againMs = { first: 5000, later: 60_000 }
const rolloutsMax = 100
const nodesMax = 10_000

export class Gateways {
  readonly #context: GatewaysContext
  readonly #file: GatewaysFile
  readonly #known: Map<string, Known>
  readonly #wanted: Map<string, Wanted>
  readonly #rollouts: Map<string, Rollout>
  readonly #sentMs = new Map<string, { firstMs: number; lastMs: number }>()
  readonly #waiting = new Map<string, (answer: OrderAnswer) => void>()
  readonly #stopTending: () => void

  /** @throws MillraceError GATEWAYS_FILE */
  constructor(context: GatewaysContext) {
    this.#context = context
    this.#file = new GatewaysFile(context.path)
    this.#known = this.#file.all('gateway/')
    this.#wanted = this.#file.all('wanted/')
    this.#rollouts = this.#file.all('rollout/')
    this.#stopTending = every(context.clock, tendMs, () => this.#tend())
  }

  list(): { node: string; known: Known; rollout: Rollout | undefined }[] {
    const newest = [...this.#rollouts.values()].toSorted((a, b) => b.atMs - a.atMs)
    return [...this.#known].map(([node, known]) => ({
      node,
      known,
      rollout: newest.find(({ gateways }) => Object.hasOwn(gateways, node)),
    }))
  }

  rollouts(): Rollout[] {
    return [...this.#rollouts.values()].toSorted((a, b) => b.atMs - a.atMs)
  }

  /** Of the timeline. */
  see({ node, report }: GatewayRecord): void {
    // By this clock: the bridge may be on another machine.
    const receivedMs = this.#context.clock.now()
    if (!this.#known.has(node) && this.#known.size >= nodesMax) return
    const { answer, text, localText, ...kept } = report
    const texts =
      text === undefined
        ? this.#known.get(node)?.texts
        : { text, receivedMs, hash: report.running.hash, ...(localText === undefined ? {} : { localText }) }
    const known: Known = { report: kept, receivedMs, ...(texts ? { texts } : {}) }
    this.#learn(node, known)
    if (answer) this.#waiting.get(answer.id)?.(answer)
    this.#answer(node, known)
    this.#advance()
  }

  /** A gateway sends data. What it reported before this page began nobody here has read: it is asked. */
  meet(node: string): void {
    if (!this.#known.has(node) && this.#known.size < nodesMax && this.#isDue(node)) this.#sendAsked(node)
  }

  /** A configuration for gateways, group after group. @throws MillraceError GATEWAYS_LINK_OPEN */
  rollOut(given: Pick<Rollout, 'by' | 'reason' | 'text' | 'groups' | 'errorsMax' | 'isOverDrift'>): Rollout {
    this.refuseOpenLink()
    // The newest is the highest, whatever the clock does.
    const atMs = Math.max(Math.round(this.#context.clock.now()), (this.rollouts()[0]?.atMs ?? 0) + 1)
    const step = () => ({ state: 'waiting', sinceMs: atMs }) as const
    const gateways = Object.fromEntries(given.groups.flat().map((node) => [node, step()]))
    for (const rollout of this.#rollouts.values()) {
      const isChanged = Object.keys(gateways).map((node) => supersede(rollout, node, atMs))
      if (isChanged.includes(true)) this.#file.put(`rollout/${rollout.id}`, rollout)
    }
    for (const node of Object.keys(gateways)) this.#want(node, undefined)
    const rollout: Rollout = { id: randomUUID().slice(0, 8), atMs, at: 0, state: 'running', gateways, ...given }
    this.#rollouts.set(rollout.id, rollout)
    this.#file.put(`rollout/${rollout.id}`, rollout)
    this.#forgetOld()
    this.#advance()
    return rollout
  }

  /** Undefined: there is no such roll-out, or it is over. */
  stopRollout(id: string, why: string): Rollout | undefined {
    const rollout = this.#rollouts.get(id)
    if (!rollout || rollout.state === 'stopped') return undefined
    const actions: Action[] = []
    stop(rollout, why, { ...this.#moment(), actions })
    this.#act(rollout, actions)
    return rollout
  }

  /** Asks a gateway for its texts. Undefined: it does not answer. */
  async ask(node: string, withinMs: number): Promise<Known | undefined> {
    const askedMs = this.#context.clock.now()
    this.#send(node, { k: 'report' })
    const isFresh = () => (this.#known.get(node)?.texts?.receivedMs ?? 0) >= askedMs
    for (let waitedMs = 0; !isFresh() && waitedMs < withinMs; waitedMs += 100) await this.#pause(100)
    return isFresh() ? this.#known.get(node) : undefined
  }

  /**
   * Orders something that is answered, until then again and again. @throws MillraceError GATEWAYS_LINK_OPEN
   * @param lastsMs how long it takes to do it
   */
  async order(
    node: string,
    make: (id: string, expiresMs: number) => Ordered,
    withinMs: number,
    lastsMs = 0,
  ): Promise<OrderAnswer> {
    this.refuseOpenLink()
    const { clock } = this.#context
    const id = randomUUID()
    const order = make(id, Math.round(clock.now() + withinMs))
    const { promise, resolve } = Promise.withResolvers<OrderAnswer>()
    this.#waiting.set(id, resolve)
    const stopSending = every(clock, 2000, () => this.#send(node, order))
    const stopWaiting = clock.after(withinMs + lastsMs + 2000, () =>
      resolve({ id, state: 'expired', detail: 'the gateway did not answer in time' }),
    )
    this.#send(node, order)
    try {
      return await promise
    } finally {
      stopSending()
      stopWaiting()
      this.#waiting.delete(id)
    }
  }

  /** @throws MillraceError GATEWAYS_LINK_OPEN */
  refuseOpenLink(): void {
    if (!this.#context.isAuthenticated) throw new MillraceError('GATEWAYS_LINK_OPEN')
  }

  close(): void {
    this.#stopTending()
    this.#file.close()
  }

  /** A trial tells the same every second: that is not written again. */
  #learn(node: string, known: Known): void {
    const before = this.#known.get(node)
    this.#known.set(node, known)
    const isNews = JSON.stringify([before?.report, before?.texts]) !== JSON.stringify([known.report, known.texts])
    if (isNews) this.#file.put(`gateway/${node}`, known)
  }

  /** A trial is confirmed where it is what the gateway is to have; what it does not have yet is sent. */
  #answer(node: string, { report }: Known): void {
    const wanted = this.#wanted.get(node)
    const { newest } = report
    if (!wanted) return
    if (newest && newest.version >= wanted.version) {
      if (newest.version === wanted.version && newest.state === 'applying' && newest.trial !== undefined)
        this.#send(node, { k: 'confirm', version: wanted.version, trial: newest.trial })
      else if (newest.state !== 'applying') this.#want(node, undefined)
    } else if (newest?.state !== 'applying') this.#sendWanted(node, wanted)
  }

  #tend(): void {
    this.#advance()
    for (const [node, wanted] of this.#wanted) if (this.#isDue(node)) this.#sendWanted(node, wanted)
    for (const { gateways } of this.#open())
      for (const [node, { state }] of Object.entries(gateways)) if (state === 'asked' && this.#isDue(node)) this.#sendAsked(node)
  }

  #open(): Rollout[] {
    return [...this.#rollouts.values()].filter(isOpen)
  }

  #isDue(node: string): boolean {
    const sent = this.#sentMs.get(node)
    const nowMs = this.#context.clock.monotonic()
    return !sent || nowMs - sent.lastMs >= (nowMs - sent.firstMs > 60_000 ? againMs.later : againMs.first)
  }

  #sendWanted(node: string, wanted: Wanted): void {
    this.#mark(node)
    this.#send(node, { k: 'configuration', ...wanted })
  }

  #sendAsked(node: string): void {
    this.#mark(node)
    this.#send(node, { k: 'report' })
  }

  #mark(node: string): void {
    const lastMs = this.#context.clock.monotonic()
    this.#sentMs.set(node, { firstMs: this.#sentMs.get(node)?.firstMs ?? lastMs, lastMs })
  }

  #moment() {
    return { known: (node: string) => this.#known.get(node), nowMs: this.#context.clock.now() }
  }

  #advance(): void {
    for (const rollout of this.#open()) {
      const before = JSON.stringify(rollout)
      const actions = advance(rollout, this.#moment())
      if (JSON.stringify(rollout) !== before) this.#act(rollout, actions)
    }
  }

  /** Durable first: after a kill in between, what was to be sent is sent by `#tend`. */
  #act(rollout: Rollout, actions: Action[]): void {
    const { log } = this.#context
    for (const action of actions) {
      if (action.k === 'ask') continue
      const { node } = action
      this.#want(node, action.k === 'want' ? wantedOf(action) : undefined)
    }
    this.#file.put(`rollout/${rollout.id}`, rollout)
    if (rollout.state === 'stopped') log.warn('a roll-out stopped', { id: rollout.id, why: rollout.why })
    for (const { k, node } of actions) {
      const wanted = this.#wanted.get(node)
      if (k === 'ask') this.#sendAsked(node)
      else if (wanted) this.#sendWanted(node, wanted)
    }
  }

  #want(node: string, wanted: Wanted | undefined): void {
    this.#sentMs.delete(node)
    this.#file.put(`wanted/${node}`, wanted)
    if (wanted) this.#wanted.set(node, wanted)
    else this.#wanted.delete(node)
  }

  #forgetOld(): void {
    for (const { id } of this.rollouts().slice(rolloutsMax)) {
      this.#rollouts.delete(id)
      this.#file.put(`rollout/${id}`, undefined)
    }
  }

  #send(node: string, order: Ordered): void {
    this.#context.send(node, { f: 1, host: this.#context.host, ...order } as GatewayOrder)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#context.clock.after(ms, resolve))
  }
}

function wantedOf({ text, over, version }: Extract<Action, { k: 'want' }>): Wanted {
  return { version, text, over, hash: createHash('sha256').update(text).digest('hex') }
}
