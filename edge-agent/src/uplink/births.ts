/**
 * Which devices are born in this session, and which declarations the host holds. A batch may be sent when its declaration
 * has a receipt and its device was born on this connection. A birth without receipt is sent again with a back-off.
 */
import type { Declaration } from '@millrace/contract/sparkplug'

const retryMsMin = 500
const retryMsMax = 30_000

export interface Births {
  /** The device's own declaration; devices start online. */
  declare(declaration: Declaration): void
  setOnline(device: string, isOnline: boolean): void
  /** Nothing is born on a new connection; receipts stay valid. */
  newSession(): void
  /** The host's log is another: it holds none of them. */
  forgetReceipts(): void
  born(declaration: Declaration, nowMs: number): void
  died(device: string): void
  isBorn(device: string): boolean
  receipted(id: string): void
  isReceipted(id: string): boolean
  /** Asks for the birth that the data of a declaration needs. */
  need(declaration: Declaration): void
  /** To be sent now: births of online devices, and needed ones; of an earlier declaration before the device's own. */
  due(nowMs: number): Declaration[]
  /** Devices that were born and are offline. */
  deaths(): string[]
  forgetDevice(device: string): void
}

export function createBirths(needsReceipts: boolean): Births {
  const own = new Map<string, { declaration: Declaration; isOnline: boolean }>()
  const needed = new Map<string, Declaration>()
  const receipts = new Set<string>()
  // Declaration of each device's newest birth on this connection.
  const alive = new Map<string, string>()
  const tries = new Map<string, { retryMs: number; notBeforeMs: number }>()
  return {
    declare(declaration) {
      own.set(declaration.device, { declaration, isOnline: own.get(declaration.device)?.isOnline ?? true })
    },
    setOnline(device, isOnline) {
      const known = own.get(device)
      if (known) known.isOnline = isOnline
    },
    newSession() {
      alive.clear()
      tries.clear()
    },
    forgetReceipts() {
      receipts.clear()
      tries.clear()
    },
    born({ id, device }, nowMs) {
      alive.set(device, id)
      const retryMs = Math.min(retryMsMax, (tries.get(id)?.retryMs ?? retryMsMin / 2) * 2)
      tries.set(id, { retryMs, notBeforeMs: nowMs + retryMs })
      if (!needsReceipts) receipts.add(id)
      if (receipts.has(id)) needed.delete(id)
    },
    died: (device) => void alive.delete(device),
    isBorn: (device) => alive.has(device),
    receipted(id) {
      receipts.add(id)
      needed.delete(id)
    },
    isReceipted: (id) => receipts.has(id),
    need(declaration) {
      needed.set(declaration.id, declaration)
    },
    due(nowMs) {
      const due = [...needed.values()].filter(({ id }) => isOpen(id) && isDue(id, nowMs))
      for (const { declaration, isOnline } of own.values()) {
        const isLast = alive.get(declaration.device) === declaration.id
        const isCurrent = isLast && receipts.has(declaration.id)
        // After an earlier declaration's birth the device's own is due at once, so that it is the one that stays.
        const waits = isLast && !isDue(declaration.id, nowMs)
        const isOwnNeeded = isOnline || alive.has(declaration.device)
        if (isOwnNeeded && !isCurrent && !waits && !due.includes(declaration)) due.push(declaration)
      }
      return due
    },
    deaths: () => [...own].filter(([device, { isOnline }]) => !isOnline && alive.has(device)).map(([device]) => device),
    forgetDevice: (device) => void own.delete(device),
  }

  function isOpen(id: string): boolean {
    const declaration = needed.get(id)!
    return !receipts.has(id) || !alive.has(declaration.device)
  }

  function isDue(id: string, nowMs: number): boolean {
    return nowMs >= (tries.get(id)?.notBeforeMs ?? 0)
  }
}
