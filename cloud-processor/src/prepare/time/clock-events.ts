/** What is wrong with the time of a partition, told as events that the rules make alarms of: when it begins, and when it is over. */
import type { EventCode, EventRecord, RawTick, Tally } from '@millrace/contract'
import { type Context, toTimeline } from '../context.ts'
import type { WrongClocks } from '../state/clocks.ts'
import type { PrepareState } from '../state/state.ts'
import type { TimeChange } from './partition-time.ts'

type What = Pick<EventRecord, 'level' | 'text'> & { code: EventCode }
type Tell = (what: What) => void

/** Ticks without a sign of it until it is told to be over. */
const overTicks = 30

/** At a tick. */
export function tellClocks(context: Context, tick: RawTick, change: TimeChange): void {
  const { state } = context
  const where = { f: 1, k: 'event', subject: 'millrace', device: 'millrace', atMs: state.tickMs } as const
  const tell: Tell = (what) => toTimeline(context, { ...where, ...what })
  tellJump(state, tick, change, tell)
  tellRejected(state.wrong, tell)
}

function tellJump({ time, wrong }: PrepareState, { offMs = 0 }: RawTick, { setMs }: TimeChange, tell: Tell): void {
  const isDisputed = time.isDisputed === true
  delete time.isDisputed
  if (isDisputed) time.quietTicks = 0
  const isWrong = offMs !== 0 || setMs !== 0 || isDisputed
  if (setMs !== 0 || (isWrong && wrong.jumpTicks === undefined))
    tell({ level: 'error', code: 'CLOCK_JUMPED', text: jumpText(offMs, setMs) })
  if (isWrong) wrong.jumpTicks = 0
  else if (wrong.jumpTicks !== undefined && ++wrong.jumpTicks >= overTicks) {
    delete wrong.jumpTicks
    tell({ level: 'info', code: 'CLOCK_STEADY', text: "The processor's clock has been steady for half a minute" })
  }
}

function jumpText(offMs: number, setMs: number): string {
  if (setMs !== 0) return `The processor's clock was set by ${span(setMs)}`
  if (offMs !== 0) return `The processor's clock jumped by ${span(offMs)}; its old time is kept for now`
  return "The processor's clock is in doubt: gateways go by the time that it had before"
}

function tellRejected(wrong: WrongClocks, tell: Tell): void {
  if (wrong.rejected > 0 && wrong.rejectedTicks === undefined) {
    const text = `Readings are rejected because their time is out of range (PREPARE_TIME): ${wrong.rejected} so far`
    tell({ level: 'error', code: 'READINGS_OUT_OF_TIME', text })
  }
  if (wrong.rejected > 0) {
    wrong.rejected = 0
    wrong.rejectedTicks = 0
  } else if (wrong.rejectedTicks !== undefined && ++wrong.rejectedTicks >= overTicks) {
    delete wrong.rejectedTicks
    tell({ level: 'info', code: 'READINGS_IN_TIME', text: 'No reading has been rejected for its time for half a minute' })
  }
}

/** What a message lost because of its times. */
export function countOutOfTime({ wrong }: PrepareState, lost: Tally): void {
  wrong.rejected += lost[0] + lost[1]
}

/** `+365 d`, `-3 h`: for people. */
export function span(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const
  const [unit, size] = units.find(([, one]) => Math.abs(ms) >= 2 * one) ?? units[3]
  return `${ms < 0 ? '-' : '+'}${Math.round(Math.abs(ms) / size)} ${unit}`
}
