/** Commands from the cloud: each is done at most once, and not after its time by the processor's clock. */
import type { GatewayCommand, OrderAnswer } from '@millrace/contract'
import type { Clock, Log } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'
import { capture } from './capture.ts'
import type { Kept } from './kept.ts'
import type { Life } from './life.ts'
import { commandRefusal } from './takes.ts'

export interface CommandsContext {
  clock: Clock
  log: Log
  life(): Life
  config(): AgentConfig
  done(): Kept['done']
  /** Durable when it returns. */
  keep(done: Kept['done']): void
  restart(): Promise<void>
  answer(answer: OrderAnswer): void
}

/** Those whose time is over are forgotten first: they would not be done anyway. */
const doneMax = 100
const secondsMax = 60

export class Commands {
  readonly #context: CommandsContext
  /** Of this run, to be sent again where an answer was lost. */
  readonly #begun = new Set<string>()
  readonly #answers = new Map<string, OrderAnswer>()

  constructor(context: CommandsContext) {
    this.#context = context
  }

  async take(order: GatewayCommand): Promise<void> {
    const { log, done, keep, answer, life } = this.#context
    const { id, command, expiresMs } = order
    if (this.#begun.has(id)) return
    const before = done().find((one) => one.id === id)
    if (before) return answer(this.#answers.get(id) ?? { id, state: before.state, detail: 'its answer was lost in a restart' })
    // Without the time of the cloud nobody knows how late it is: the cloud sends it again.
    const nowMs = life().agent.uplink.hostNowMs()
    if (nowMs === undefined) return
    const fault = this.#faultOf(order, nowMs)
    if (fault) return answer({ id, ...fault })
    const left = done().filter((one) => one.expiresMs >= nowMs)
    keep([...left.slice(-doneMax), { id, state: 'done', expiresMs }])
    log.info('a command from the cloud', { command, id })
    this.#begun.add(id)
    const running = this.#run(order).then((outcome) => this.#tell({ id, ...outcome }))
    // It lasts, and other orders do not wait for it.
    if (command !== 'capture') await running
  }

  #faultOf({ command, expiresMs }: GatewayCommand, nowMs: number): Omit<OrderAnswer, 'id'> | undefined {
    if (nowMs > expiresMs) return { state: 'expired', detail: `it came ${Math.ceil((nowMs - expiresMs) / 1000)} s too late` }
    const detail = commandRefusal(this.#context.config(), command)
    return detail === undefined ? undefined : { state: 'refused', detail }
  }

  #tell(answer: OrderAnswer): void {
    this.#begun.delete(answer.id)
    if (this.#answers.size >= doneMax) this.#answers.delete(this.#answers.keys().next().value!)
    this.#answers.set(answer.id, answer)
    this.#context.answer(answer)
  }

  async #run(order: GatewayCommand): Promise<Omit<OrderAnswer, 'id'>> {
    const { life, restart, config, clock } = this.#context
    switch (order.command) {
      case 'status':
        return { state: 'done', data: life().agent.status() }
      case 'rebirth':
        life().agent.uplink.requestRebirth()
        return { state: 'done' }
      case 'restart':
        await restart()
        return { state: 'done' }
      case 'capture':
        return capture(order.device, order.seconds ?? secondsMax, { devices: life().agent.devices, config: config(), clock })
    }
  }
}
