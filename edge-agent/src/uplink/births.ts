/**
 * Which devices are born in this session, and which declarations the host holds. A batch may be sent when its declaration
 * has a receipt and its device was born on this connection. A birth without receipt is sent again with a back-off.
 */
import type { Declaration } from '@millrace/contract/sparkplug'
import { backOffMs } from '@millrace/platform'

const retryMsMin = 500
const retryMsMax = 30_000

export class Births {
  private readonly needsReceipts: boolean
  private readonly own = new Map<string, { declaration: Declaration; isOnline: boolean }>()
  private readonly needed = new Map<string, Declaration>()
  private readonly receipts = new Set<string>()
  /** Declaration of each device's newest birth on this connection. */
  private readonly alive = new Map<string, string>()
  private readonly tries = new Map<string, { sends: number; notBeforeMs: number }>()

  constructor(needsReceipts: boolean) {
    this.needsReceipts = needsReceipts
  }

  /** The device's own declaration; devices start online. */
  declare(declaration: Declaration): void {
    const { device } = declaration
    this.own.set(device, { declaration, isOnline: this.own.get(device)?.isOnline ?? true })
  }

  setOnline(device: string, isOnline: boolean): void {
    const known = this.own.get(device)
    if (known) known.isOnline = isOnline
  }

  /** Nothing is born on a new connection; receipts stay valid. */
  newSession(): void {
    this.alive.clear()
    this.tries.clear()
  }

  /** The host's log is another: it holds none of them. */
  forgetReceipts(): void {
    this.receipts.clear()
    this.tries.clear()
  }

  born({ id, device }: Declaration, nowMs: number): void {
    this.alive.set(device, id)
    const sends = (this.tries.get(id)?.sends ?? 0) + 1
    this.tries.set(id, { sends, notBeforeMs: nowMs + backOffMs(sends, retryMsMin, retryMsMax) })
    if (!this.needsReceipts) this.receipts.add(id)
    if (this.receipts.has(id)) this.needed.delete(id)
  }

  died(device: string): void {
    this.alive.delete(device)
  }

  receipted(id: string): void {
    this.receipts.add(id)
    this.needed.delete(id)
  }

  /** The host can read data of that declaration from that device. */
  isReady(id: string, device: string): boolean {
    return this.receipts.has(id) && this.alive.has(device)
  }

  /** Asks for the birth that the data of a declaration needs. */
  need(declaration: Declaration): void {
    this.needed.set(declaration.id, declaration)
  }

  /** To be sent now: births of online devices, and needed ones; of an earlier declaration before the device's own. */
  due(nowMs: number): Declaration[] {
    const due = [...this.needed.values()].filter(({ id, device }) => !this.isReady(id, device) && this.isDue(id, nowMs))
    for (const { declaration, isOnline } of this.own.values())
      if ((isOnline || this.alive.has(declaration.device)) && this.isOwnDue(declaration, nowMs) && !due.includes(declaration))
        due.push(declaration)
    return due
  }

  /** Devices that were born and are offline. */
  deaths(): string[] {
    return [...this.own.keys()].filter((device) => !this.own.get(device)!.isOnline && this.alive.has(device))
  }

  /** After an earlier declaration's birth the device's own is due at once, so that it is the one that stays. */
  private isOwnDue({ id, device }: Declaration, nowMs: number): boolean {
    if (this.alive.get(device) !== id) return true
    return !this.receipts.has(id) && this.isDue(id, nowMs)
  }

  private isDue(id: string, nowMs: number): boolean {
    return nowMs >= (this.tries.get(id)?.notBeforeMs ?? 0)
  }
}
