/**
 * Keeps the certificate of a running agent valid: asks for the next one after two thirds of its life, and also when it has ended
 * while the gateway was off. The next one is promoted after a connection with it has succeeded; until then the old one stays.
 */
import { readFileSync } from 'node:fs'
import { type Clock, type Log, MillraceError } from '@millrace/platform'
import { askNext } from './authority.ts'
import type { Credential, Slots } from './slots.ts'

export interface RenewalContext {
  slots: Pick<Slots, 'read' | 'requestKey' | 'put' | 'forgetKeys' | 'promote' | 'dropNext' | 'next'>
  /** Of the authority's endpoint. */
  url: string
  /** `group/node` */
  name: string
  caFile: string | undefined
  clock: Clock
  log: Log
  /** Connects to the broker with the credential in this file and leaves. @throws what the broker says */
  connects(file: string): Promise<void>
}

/** Its request. */
const own = 'renewal'
const lookMs = { least: 1_000, most: 3_600_000 }
/** After a failure: a link that is down for a while must not cost a third of a short life. */
const retryMsMax = 60_000

export class Renewal {
  readonly #context: RenewalContext
  #cancel = () => {}
  #isStopped = false
  #said = ''

  constructor(context: RenewalContext) {
    this.#context = context
  }

  start(): void {
    void this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  /** What is due now. @returns whether all is well. */
  async attempt(): Promise<boolean> {
    const { slots, log } = this.#context
    try {
      if (!slots.read('next') && this.#isDue()) await this.#renew()
      if (slots.read('next')) await this.#promote()
      this.#said = ''
      return true
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#said) log.warn('the certificate is not renewed yet', { error: error as Error })
      this.#said = message
      return false
    }
  }

  async #look(): Promise<void> {
    const isWell = await this.attempt()
    if (this.#isStopped) return
    const current = this.#context.slots.read('current')
    const ownMs = Math.min(lookMs.most, Math.max(lookMs.least, (current ? lifeMs(current) : 0) / 60))
    this.#cancel = this.#context.clock.after(isWell ? ownMs : Math.min(ownMs, retryMsMax), () => void this.#look())
  }

  #isDue(): boolean {
    const current = this.#context.slots.read('current')
    return (
      current !== undefined && this.#context.clock.now() > current.certificate.validFromDate.getTime() + (2 / 3) * lifeMs(current)
    )
  }

  async #renew(): Promise<void> {
    const { slots, url, name, caFile, log } = this.#context
    const key = slots.requestKey(own)
    const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
    const certificate = await askNext(url, slots.read('current')!, { name, key, ca })
    slots.put('next', { key, certificate })
    slots.forgetKeys()
    log.info('a new certificate is there', { until: slots.read('next')!.certificate.validTo })
  }

  async #promote(): Promise<void> {
    const { slots, clock, connects, log } = this.#context
    if (slots.read('next')!.certificate.validToDate.getTime() < clock.now()) {
      slots.dropNext()
      throw new MillraceError('AGENT_ENROL', { url: this.#context.url, detail: 'the next certificate ended before it was used' })
    }
    await connects(slots.next)
    slots.promote()
    log.info('the new certificate is in use from the next connection on')
  }
}

function lifeMs({ certificate }: Credential): number {
  return certificate.validToDate.getTime() - certificate.validFromDate.getTime()
}
