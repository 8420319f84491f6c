/**
 * Remote care of this gateway: which configuration it runs, and how that changes from the cloud.
 *
 *   configuration ─► checked whole ─► kept as trial ─► the agent stops and starts with it ─► confirmed by the cloud ─► in force
 *                      └► refused                         └► does not start, or not confirmed in time ─► rolled back
 *
 * The outbox stays as it is: what was not receipted is sent by the agent that starts. What a restart does not read lies under a gap.
 * Every step is kept before it is taken (kept.ts): an agent that dies during a trial comes back with the configuration before it.
 */
import { randomUUID } from 'node:crypto'
import {
  type ConfigurationOrder,
  configurationBytesMax,
  type GatewayOrder,
  gatewayOrder,
  type OrderAnswer,
} from '@millrace/contract'
import { type Clock, every, type Log } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'
import { checkAgent } from '../engines.ts'
import type { Orders } from '../uplink/index.ts'
import { Commands } from './commands.ts'
import { hashOf, loadAgentConfig, localText } from './document.ts'
import { inForceOf, isDrift } from './in-force.ts'
import { type Configuration, type Kept, takeKept, writeKept } from './kept.ts'
import type { Life } from './life.ts'
import { reportOf } from './report.ts'
import { takesOf } from './takes.ts'

export interface RemoteContext {
  /** File of the gateway. */
  file: string | undefined
  env: NodeJS.ProcessEnv
  start(config: AgentConfig, orders: Orders): Promise<Life>
  clock: Clock
  log: Log
  /** Neither the new configuration nor the one before could be started. */
  failed(error: unknown): void
}

/** A trial tells of itself so often, until it is confirmed. */
const trialReportMs = 1000

export class Remote {
  readonly #context: RemoteContext
  readonly #orders: Orders = { take: (text) => this.#take(text), report: () => JSON.stringify(this.#report()) }
  readonly #commands: Commands
  #config!: AgentConfig
  #kept: Kept = { f: 1, done: [] }
  #running: Configuration | undefined
  #life: Life | undefined
  #turn: Promise<void> = Promise.resolve()
  #isStopped = false
  #endTrial = () => {}

  constructor(context: RemoteContext) {
    this.#context = context
    this.#commands = new Commands({
      clock: context.clock,
      log: context.log,
      life: () => this.#life!,
      config: () => this.#config,
      done: () => this.#kept.done,
      keep: (done) => this.#keep({ ...this.#kept, done }),
      restart: () => this.#switch(this.#running).catch((error) => context.failed(error)),
      answer: (answer) => this.#tell({ answer }),
    })
  }

  get life(): Life {
    return this.#life!
  }

  get config(): AgentConfig {
    return this.#config
  }

  /** @throws MillraceError what the file of the gateway has that is wrong */
  async start(): Promise<void> {
    const { file, env, log } = this.#context
    this.#config = loadAgentConfig(file, env)
    const local = localText(file)
    this.#kept = takeKept(this.#config.dataDir, log)
    const { trial } = this.#kept
    if (trial) this.#keepRolledBack(trial, 'the agent ended before it was confirmed')
    if (isDrift(this.#kept, local))
      log.warn('the file of the gateway was edited: it counts, and not what the cloud had changed', { file })
    const inForce = inForceOf(this.#kept, local)
    if (inForce && !this.#isUsable(inForce)) return this.#begin(undefined)
    await this.#begin(inForce)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endTrial()
    await this.#turn
    await this.#life?.stop()
  }

  /** One that an earlier version of the agent took may be wrong for this one. */
  #isUsable(inForce: Configuration): boolean {
    try {
      this.#check(inForce.text)
      return true
    } catch (error) {
      this.#context.log.error('the configuration from the cloud is not valid for this agent: the file of the gateway counts', {
        error,
      })
      this.#keep({ ...this.#kept, newest: outcome(inForce, 'refused', (error as Error).message) })
      return false
    }
  }

  async #begin(configuration: Configuration | undefined): Promise<void> {
    const { file, env, start } = this.#context
    this.#config = loadAgentConfig(file, env, configuration?.text)
    this.#running = configuration
    this.#life = await start(this.#config, this.#orders)
  }

  async #switch(configuration: Configuration | undefined): Promise<void> {
    const life = this.#life
    this.#life = undefined
    await life?.stop()
    if (!this.#isStopped) await this.#begin(configuration)
  }

  #take(text: string): void {
    const order = readOrder(text)
    if (!order || order.host !== this.#config.host) return
    this.#turn = this.#turn
      .then(() => (this.#isStopped || !this.#life ? undefined : this.#obey(order)))
      .catch((error) => this.#context.log.error('an order from the cloud failed', { order: order.k, error }))
  }

  async #obey(order: GatewayOrder): Promise<void> {
    if (order.k === 'configuration') await this.#takeConfiguration(order)
    else if (order.k === 'confirm') this.#confirm(order.version, order.trial)
    else if (order.k === 'command') await this.#commands.take(order)
    else if (order.k === 'check') this.#tell({ answer: this.#answerCheck(order) })
    else this.#tell({ hasTexts: true })
  }

  #answerCheck({ id, text }: Extract<GatewayOrder, { k: 'check' }>): OrderAnswer {
    const detail = this.#faultOf(text)
    return detail === undefined ? { id, state: 'done' } : { id, state: 'refused', detail }
  }

  /** One that came before, or is older than what came, changes nothing; during a trial none does: the cloud sends it again. */
  async #takeConfiguration({ version, hash, text, over }: ConfigurationOrder): Promise<void> {
    const { newest, trial } = this.#kept
    if (trial || version <= (newest?.version ?? 0)) return this.#tell({})
    const configuration = { version, hash, text, over }
    const fault =
      hash === hashOf(text) ? (this.#driftOf(over) ?? this.#faultOf(text)) : 'its hash is another: it was damaged on its way'
    if (fault !== undefined) {
      this.#context.log.warn('a configuration from the cloud was refused', { version, detail: fault })
      this.#keep({ ...this.#kept, newest: outcome(configuration, 'refused', fault) })
      return this.#tell({})
    }
    if (this.#running?.hash === hash) return this.#putInForce(configuration)
    await this.#try(configuration)
  }

  #driftOf(over: string): string | undefined {
    if (over === hashOf(localText(this.#context.file))) return undefined
    return 'drift: the file of the gateway is not the one that this was made over. Look at the difference, and apply it again over that file'
  }

  #faultOf(text: string): string | undefined {
    const { takes, why } = takesOf(this.#config)
    if (!takes.configuration) return why
    if (Buffer.byteLength(text) > configurationBytesMax) return `it is longer than ${configurationBytesMax} bytes`
    try {
      this.#check(text)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** @throws MillraceError CONFIG_INVALID, CONFIG_NOT_FOUND */
  #check(text: string): void {
    const { file, env } = this.#context
    checkAgent(loadAgentConfig(file, env, text))
  }

  async #try(configuration: Configuration): Promise<void> {
    const { log } = this.#context
    const { version } = configuration
    const trial = { ...configuration, id: randomUUID() }
    this.#keep({ ...this.#kept, trial, newest: { ...outcome(configuration, 'applying'), trial: trial.id } })
    log.info('a configuration from the cloud is tried', { version })
    this.#tell({})
    try {
      await this.#switch(configuration)
      this.#watchTrial(trial)
    } catch (error) {
      await this.#rollBack(trial, `it does not start: ${(error as Error).message}`)
    }
  }

  #watchTrial(trial: Configuration): void {
    const { clock } = this.#context
    const confirmMs = this.#config.remote === false ? 0 : this.#config.remote.confirmMs
    const stopTelling = every(clock, trialReportMs, () => this.#tell({}))
    const stopWaiting = clock.after(confirmMs, () => {
      const roll = () =>
        this.#kept.trial === trial
          ? this.#rollBack(trial, `the cloud did not confirm it within ${confirmMs / 1000} s`)
          : undefined
      this.#turn = this.#turn.then(roll).catch((error) => this.#context.failed(error))
    })
    this.#endTrial = () => {
      stopTelling()
      stopWaiting()
    }
  }

  #confirm(version: number, id: string): void {
    const { trial } = this.#kept
    if (trial?.version !== version || trial.id !== id) return
    const { id: _, ...configuration } = trial
    this.#putInForce(configuration)
  }

  #putInForce(configuration: Configuration): void {
    const { trial, ...kept } = this.#kept
    this.#keep({ ...kept, inForce: configuration, newest: outcome(configuration, 'confirmed') })
    this.#endTrial()
    this.#running = configuration
    this.#context.log.info('a configuration from the cloud is in force', { version: configuration.version })
    this.#tell({})
  }

  async #rollBack(trial: Configuration, why: string): Promise<void> {
    const { file, log, failed } = this.#context
    this.#endTrial()
    log.warn('a configuration from the cloud is rolled back', { version: trial.version, why })
    this.#keepRolledBack(trial, why)
    await this.#switch(inForceOf(this.#kept, localText(file))).catch(failed)
    this.#tell({})
  }

  /** Where that cannot be written, the trial is still there at the next start, and is rolled back then. */
  #keepRolledBack(tried: Configuration, why: string): void {
    const { trial, ...kept } = this.#kept
    this.#kept = { ...kept, newest: outcome(tried, 'rolled-back', why) }
    try {
      writeKept(this.#config.dataDir, this.#kept)
    } catch (error) {
      this.#context.log.error('cannot write what became of a configuration', { error })
    }
  }

  #keep(kept: Kept): void {
    writeKept(this.#config.dataDir, kept)
    this.#kept = kept
  }

  #report(more: { answer?: OrderAnswer; hasTexts?: boolean } = {}) {
    const { file } = this.#context
    return reportOf({ ...more, kept: this.#kept, running: this.#running, config: this.#config, local: localText(file) })
  }

  #tell(more: { answer?: OrderAnswer; hasTexts?: boolean }): void {
    this.#life?.agent.uplink.report(JSON.stringify(this.#report(more)))
  }
}

function outcome({ version, hash }: Configuration, state: 'refused' | 'applying' | 'confirmed' | 'rolled-back', detail?: string) {
  return { version, hash, state, ...(detail === undefined ? {} : { detail }) }
}

function readOrder(text: string): GatewayOrder | undefined {
  try {
    const read = gatewayOrder.safeParse(JSON.parse(text))
    return read.success ? read.data : undefined
  } catch {
    return undefined
  }
}
