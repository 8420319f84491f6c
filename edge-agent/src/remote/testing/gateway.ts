/** A gateway whose agent is only told of: which configuration it was started with, what it reported. Time stands still until it is moved. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayOrder, GatewayReport } from '@millrace/contract'
import { silentLog } from '@millrace/platform'
import { MovedClock } from '@millrace/platform/testing/moved-clock'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Agent } from '../../agent.ts'
import type { AgentConfig } from '../../config.ts'
import type { Tap } from '../../device.ts'
import type { Orders } from '../../uplink/index.ts'
import { hashOf } from '../document.ts'
import { Remote } from '../remote.ts'

export const tcp = { id: 'boiler', bus: { kind: 'tcp', host: '127.0.0.1', port: 9 }, decoder: { kind: 'nmea-0183' } }
export const uplink = { username: 'gateway', password: 'a-password' }

export class TestGateway {
  readonly dir = mkdtempSync(join(tmpdir(), 'millrace-remote-'))
  readonly file = join(this.dir, 'agent.yaml')
  readonly clock = new MovedClock()
  readonly reports: GatewayReport[] = []
  readonly started: AgentConfig[] = []
  readonly log: string[] = []
  /** Of the host less the clock; undefined: no receipt yet. */
  hostOffMs: number | undefined = 0
  fails: (config: AgentConfig) => boolean = () => false
  failed: unknown
  /** Of the device that is being captured. */
  tap: Tap | undefined
  remote!: Remote
  #orders!: Orders

  /** @param more of its file */
  constructor(more: object = {}) {
    this.edit(more)
  }

  edit(more: object): string {
    const text = stringify({ group: 'ward', node: 'gateway', dataDir: this.dir, uplink, ...more })
    writeFileSync(this.file, text)
    return hashOf(text)
  }

  /** What ran before, if any, is left as `kill -9` leaves it. */
  async start(): Promise<void> {
    const isOfNow = () => this.remote === own
    const own: Remote = new Remote({
      file: this.file,
      env: {},
      clock: this.clock,
      log: silentLog,
      start: async (config, orders) => {
        if (this.fails(config)) throw new Error('out of order')
        if (isOfNow()) this.started.push(config)
        this.#orders = orders
        return { agent: this.#agent(isOfNow), stop: async () => {} }
      },
      failed: (error) => {
        this.failed = error
      },
    })
    this.remote = own
    await own.start()
    this.reports.push(JSON.parse(this.#orders.report()))
  }

  #agent(isOfNow: () => boolean): Agent {
    const report = (text: string) => isOfNow() && this.reports.push(JSON.parse(text)) > 0
    const hostNowMs = () => (this.hostOffMs === undefined ? undefined : this.clock.nowMs + this.hostOffMs)
    const uplink = { report, hostNowMs, requestRebirth: () => void this.log.push('rebirth') }
    const tap = (tap: Tap | undefined) => {
      this.tap = tap
    }
    const devices = this.started.at(-1)?.devices.map(({ id }) => ({ id, tap }))
    return { uplink, devices, status: () => ({ node: 'ward/gateway' }), commits: () => 0 } as unknown as Agent
  }

  async take(order: Record<string, unknown>): Promise<GatewayReport> {
    this.#orders.take(JSON.stringify({ f: 1, host: 'millrace', ...order }))
    await this.settle()
    return this.newest
  }

  /** A configuration over the file as it is now, or was. */
  apply(version: number, document: object, over = hashOf(this.local)): Promise<GatewayReport> {
    const text = stringify(document)
    return this.take({ k: 'configuration', version, text, hash: hashOf(text), over } satisfies Partial<GatewayOrder>)
  }

  confirm(): Promise<GatewayReport> {
    const { version, trial } = this.newest.newest ?? {}
    return this.take({ k: 'confirm', version, trial })
  }

  async pass(ms: number): Promise<void> {
    this.clock.pass(ms)
    await this.settle()
  }

  async settle(): Promise<void> {
    for (let k = 0; k < 30; k++) await Promise.resolve()
  }

  get local(): string {
    return readFileSync(this.file, 'utf8')
  }

  get newest(): GatewayReport {
    return this.reports.at(-1)!
  }

  /** Of the configuration that runs. */
  get commitEveryMs(): number {
    return this.started.at(-1)!.commitEveryMs
  }

  end(): void {
    rmSync(this.dir, { recursive: true })
  }
}

/** @param more of its file */
export async function gateway(more: object = {}): Promise<TestGateway> {
  const made = new TestGateway(more)
  onTestFinished(() => made.end())
  await made.start()
  return made
}
