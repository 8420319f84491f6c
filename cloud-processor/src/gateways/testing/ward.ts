/** Gateways that answer without any agent (edge-agent/src/remote is tested there), and a cloud for them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayOrder, GatewayReport } from '@millrace/contract'
import { silentLog } from '@millrace/platform'
import { MovedClock } from '@millrace/platform/testing/moved-clock'
import { onTestFinished } from 'vitest'
import { Gateways } from '../gateways.ts'
import { inGroups } from '../groups.ts'
import type { Rollout } from '../rollout.ts'

export const hash = (text: string) => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)

/** What a gateway answers, without any agent: see edge-agent/src/remote for that. */
export class FakeGateway {
  text = 'before'
  version = 0
  isOff = false
  /** How it takes a configuration. */
  takes: (text: string) => 'confirms' | 'refuses' | 'rolls-back' | 'dies' = () => 'confirms'
  tried: { version: number; text: string } | undefined
  newest: GatewayReport['newest']
  drift = false
  applied: string[] = []

  report(more: Partial<GatewayReport> = {}): GatewayReport {
    const takes = { configuration: true, commands: true }
    const running = { version: this.version, hash: hash(this.text) }
    return {
      f: 1,
      local: hash('file'),
      running,
      drift: this.drift,
      takes,
      ...(this.newest ? { newest: this.newest } : {}),
      ...more,
    }
  }

  take(order: GatewayOrder): GatewayReport | undefined {
    if (this.isOff) return undefined
    if (order.k === 'report') return this.report({ text: this.text })
    if (order.k === 'confirm') return this.#confirm(order.version)
    if (order.k !== 'configuration' || order.version <= (this.newest?.version ?? 0)) return this.report()
    const { version, text } = order
    const how = this.takes(text)
    this.newest = { version, hash: order.hash, state: how === 'refuses' ? 'refused' : 'applying', trial: 't' }
    if (how === 'dies') this.isOff = true
    else if (how === 'rolls-back') this.newest.state = 'rolled-back'
    else if (how === 'confirms') this.tried = { version, text }
    return how === 'dies' ? undefined : this.report()
  }

  #confirm(version: number): GatewayReport {
    if (this.tried?.version === version) {
      Object.assign(this, this.tried)
      this.applied.push(this.text)
      this.newest = { version, hash: hash(this.text), state: 'confirmed' }
      this.tried = undefined
    }
    return this.report()
  }
}

/** Messages wait until `deliver`. */
export class Ward {
  readonly clock = new MovedClock()
  readonly dir = mkdtempSync(join(tmpdir(), 'millrace-gateways-'))
  readonly gateways: Map<string, FakeGateway>
  cloud!: Gateways
  #orders: { node: string; order: GatewayOrder }[] = []
  loses: () => boolean = () => false

  constructor(count: number) {
    this.gateways = new Map(Array.from({ length: count }, (_, k) => [`ward/g${`${k + 1}`.padStart(2, '0')}`, new FakeGateway()]))
    onTestFinished(() => {
      this.cloud.close()
      rmSync(this.dir, { recursive: true })
    })
    this.open()
    for (const [node, gateway] of this.gateways) this.see(node, gateway.report())
  }

  open(): void {
    const send = (node: string, order: GatewayOrder) => void this.#orders.push({ node, order })
    this.cloud = new Gateways({
      path: join(this.dir, 'g.sqlite'),
      host: 'millrace',
      send,
      isAuthenticated: true,
      clock: this.clock,
      log: silentLog,
    })
  }

  /** As by `kill -9`: what was on its way is lost. */
  kill(): void {
    this.cloud.close()
    this.#orders = []
    this.open()
  }

  see(node: string, report: GatewayReport | undefined): void {
    if (report && !this.loses()) this.cloud.see({ f: 1, k: 'gateway', subject: node, node, receivedMs: this.clock.nowMs, report })
  }

  /** Returns how many there were. */
  deliver(steps = Number.POSITIVE_INFINITY): number {
    let k = 0
    for (; k < steps && this.#orders.length > 0; k++) {
      const { node, order } = this.#orders.shift()!
      if (!this.loses()) this.see(node, this.gateways.get(node)!.take(order))
    }
    return k
  }

  pass(ms: number): void {
    for (let k = 0; k < ms; k += 1000) {
      this.clock.pass(1000)
      this.deliver()
    }
  }

  rollOut(groups: string, more: Partial<Rollout> = {}): Rollout {
    const nodes = [...this.gateways.keys()]
    return this.cloud.rollOut({
      by: 'Ada',
      reason: 'a test',
      text: 'after',
      groups: inGroups(nodes, groups),
      errorsMax: 1,
      isOverDrift: false,
      ...more,
    })
  }

  newest(): Rollout {
    return this.cloud.rollouts()[0]!
  }

  states(): string[] {
    return Object.values(this.newest().gateways).map(({ state }) => state)
  }
}
