/**
 * Which devices are born in this session, and which declarations the host holds. A batch may be sent when its declaration
 * has a receipt and its device was born on this connection. A birth without receipt is sent again with a back-off.
 *
 * A death has no receipt: with receipts it is said once in every session, and again when the host is back. A host that missed
 * it, or the death of the node, would take the device for one that is there.
 */
import type { AbsenceReason } from '@millrace/contract'
import type { Declaration } from '@millrace/contract/sparkplug'
import { backOffMs } from '@millrace/platform'

const retryMsMin = 500
const retryMsMax = 30_000

export class Births {
  private readonly needsReceipts: boolean
  private readonly own = new Map<string, Declaration>()
  /** Devices that are not there, and those of them whose death is to be said. */
  private readonly offline = new Map<string, AbsenceReason>()
  private readonly untold = new Set<string>()
  private readonly needed = new Map<string, Declaration>()
  private readonly receipts = new Set<string>()
  /** Declaration of each device's newest birth on this connection. */
  private readonly alive = new Map<string, string>()
  private readonly tries = new Map<string, { sends: number; notBeforeMs: number }>()
  /** Monotonic time of each birth's first sending by this run, on any connection: a receipt may be of that one. */
  private readonly firstSent = new Map<string, number>()

  constructor(needsReceipts: boolean) {
    this.needsReceipts = needsReceipts
  }

  /** The device's own declaration; devices start online. */
  declare(declaration: Declaration): void {
    this.own.set(declaration.device, declaration)
  }

  setOnline(device: string): void {
    this.offline.delete(device)
    this.untold.delete(device)
  }

  setOffline(device: string, reason: AbsenceReason): void {
    this.offline.set(device, reason)
    this.untold.add(device)
  }

  whyOffline(device: string): AbsenceReason {
    return this.offline.get(device) ?? 'unplugged'
  }

  /** Nothing is born on a new connection; receipts stay valid. */
  newSession(): void {
    this.alive.clear()
    this.tries.clear()
    this.forgetDeaths()
  }

  /** The host may not have heard of them. */
  forgetDeaths(): void {
    for (const device of this.offline.keys()) this.untold.add(device)
  }

  /** The host's log is another: it holds none of them. */
  forgetReceipts(): void {
    this.receipts.clear()
    this.tries.clear()
    this.forgetDeaths()
  }

  born({ id, device }: Declaration, nowMs: number): void {
    this.alive.set(device, id)
    if (this.offline.has(device)) this.untold.add(device)
    const last = this.tries.get(id)
    const sends = (last?.sends ?? 0) + 1
    const notBeforeMs = nowMs + backOffMs(sends, retryMsMin, retryMsMax)
    this.tries.set(id, { sends, notBeforeMs })
    if (!this.firstSent.has(id)) this.firstSent.set(id, nowMs)
    if (!this.needsReceipts) this.receipts.add(id)
    if (this.receipts.has(id)) this.needed.delete(id)
  }

  died(device: string): void {
    this.alive.delete(device)
    this.untold.delete(device)
  }

  /** Since when the newest of these births may have been on its way, monotonic; undefined when this run sent none. */
  sentSince(ids: string[]): number | undefined {
    const since = ids.flatMap((id) => this.firstSent.get(id) ?? [])
    return since.length > 0 ? Math.max(...since) : undefined
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

  /** To be sent now: births of online devices, of those that the host does not know, and needed ones; of an earlier declaration before the device's own. */
  due(nowMs: number): Declaration[] {
    const due = [...this.needed.values()].filter(({ id, device }) => !this.isReady(id, device) && this.isDue(id, nowMs))
    for (const declaration of this.own.values())
      if (this.isWanted(declaration) && this.isOwnDue(declaration, nowMs) && !due.includes(declaration)) due.push(declaration)
    return due
  }

  /** Devices that are offline and known to the host, which takes them for alive, or may. */
  deaths(): string[] {
    return [...this.untold].filter((device) => {
      const id = this.own.get(device)?.id
      return id !== undefined && this.receipts.has(id) && (this.needsReceipts || this.alive.has(device))
    })
  }

  private isWanted({ id, device }: Declaration): boolean {
    return !this.offline.has(device) || this.alive.has(device) || !this.receipts.has(id)
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
