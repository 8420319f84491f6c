/**
 * What the node sends on its timer: its births, again when they are asked for, those of its devices, their deaths, and gaps. NBIRTH waits
 * until the devices are declared and the host is not known to be offline, so that the DBIRTHs follow it; data waits for both.
 */
import type { SendContext } from './context.ts'
import type { Session } from './session.ts'

const gapEveryMs = 1000
const deathEveryMs = 1000
const rebirthEveryMs = 1000

export class Announcements {
  /** Devices whose declaration is still being made. */
  undeclared = 0
  private isRebirthRequested = false
  private readonly context: SendContext
  private gapMs = Number.NEGATIVE_INFINITY
  private deathMs = Number.NEGATIVE_INFINITY
  private bornMs = Number.NEGATIVE_INFINITY

  constructor(context: SendContext) {
    this.context = context
  }

  /** No data is sent from now on until the births are. */
  requestRebirth(session: Session | undefined): void {
    if (!session?.isBorn) return
    this.isRebirthRequested = true
    session.areBirthsSent = false
  }

  /** What is due in a session that is open. */
  send(session: Session, nowMs: number): void {
    if (this.context.host.isAway(nowMs)) return
    if (this.isBirthDue(session, nowMs)) this.birth(session, nowMs)
    if (!session.isBorn || this.isRebirthRequested) return
    if (this.sendBirths(session, nowMs)) {
      session.areBirthsSent = true
      this.sendReport(session)
      this.sendDeaths(session, nowMs)
    }
    this.sendGap(nowMs)
  }

  private isBirthDue(session: Session, nowMs: number): boolean {
    if (!session.isBorn) return this.undeclared === 0
    return this.isRebirthRequested && nowMs - this.bornMs >= rebirthEveryMs
  }

  private birth(session: Session, nowMs: number): void {
    this.isRebirthRequested = false
    this.bornMs = nowMs
    this.context.births.newSession()
    session.birth()
  }

  /** False when the socket is full before all are sent. */
  private sendBirths(session: Session, nowMs: number): boolean {
    const { births } = this.context
    for (const declaration of births.due(nowMs)) {
      if (!session.isWritable) return false
      session.deviceBirth(declaration)
      births.born(declaration, nowMs)
    }
    return true
  }

  private sendDeaths(session: Session, nowMs: number): void {
    if (nowMs - this.deathMs < deathEveryMs) return
    this.deathMs = nowMs
    for (const device of this.context.births.deaths()) {
      if (this.hasDataOf(device)) continue
      session.deviceDeath(device, this.context.births.whyOffline(device))
      this.context.births.died(device)
    }
  }

  private sendReport(session: Session): void {
    const { orders } = this.context
    if (orders && !session.isReported) session.report(orders.report())
  }

  /** The death of a device waits until what it measured before is on its way. */
  private hasDataOf(device: string): boolean {
    const { outbox, inFlight } = this.context
    for (const { entry } of inFlight.all()) if (entry.device === device) return true
    const isOf = (entry: { device: string }) => entry.device === device
    return outbox.next('live', 1, isOf).length > 0 || outbox.next('backlog', 1, isOf).length > 0
  }

  /** While nobody receipts, what is evicted joins the gap that waits: an outage makes one, or two. */
  private sendGap(nowMs: number): void {
    const { outbox, host, options } = this.context
    if (!outbox.hasGap() || nowMs - this.gapMs < gapEveryMs) return
    if (options.receipts && host.receiptMs < this.gapMs) return
    this.gapMs = nowMs
    void outbox.issueGap()
  }
}
