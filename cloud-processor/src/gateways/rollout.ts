/**
 * A roll-out: one configuration for many gateways, group after group. A group begins when each gateway of the one before has an outcome. At
 * `errorsMax` errors it stops: nobody gets it any more, and those that have it get back what they ran before. Once it is done, a gateway that
 * was absent and gets it late changes nothing for the others.
 *
 *     waiting ─► asked ─► sent ─► applying ─► confirmed ─► (stopped) ─► returning ─► returned | not-returned
 *                  │        └► refused            └► rolled-back | silent
 *                  └► refused (drift), absent ─► asked again when it comes back
 *
 * Pure: what it is to do comes out as actions, time and reports come in.
 */
import type { GatewayReport } from '@millrace/contract'
import { ownValue } from '@millrace/platform'

export type StepState =
  | 'waiting'
  | 'asked'
  | 'sent'
  | 'applying'
  | 'confirmed'
  | 'refused'
  | 'rolled-back'
  | 'silent'
  | 'absent'
  | 'withdrawn'
  | 'returning'
  | 'returned'
  | 'not-returned'

export interface Step {
  state: StepState
  sinceMs: number
  detail?: string
  /** Of the configuration that it was sent last. */
  version?: number
  /** What it ran before. */
  before?: string
}

export interface Rollout {
  id: string
  atMs: number
  by: string
  reason: string
  text: string
  groups: string[][]
  /** Its group of now. */
  at: number
  errorsMax: number
  /** Also over a file of a gateway that was edited there. */
  isOverDrift: boolean
  state: 'running' | 'done' | 'stopped'
  why?: string
  gateways: Record<string, Step>
}

/** The newest report of a gateway, and when it came; `textMs` when one with its texts did. */
export interface Known {
  report: GatewayReport
  receivedMs: number
  /** `hash` of the configuration that was in force then. */
  texts?: { text: string; localText?: string; receivedMs: number; hash: string }
}

export type Action =
  | { k: 'ask'; node: string }
  | { k: 'want'; node: string; text: string; over: string; version: number }
  | { k: 'withdraw'; node: string }

/** A gateway that says nothing for so long is absent: the others do not wait for it. */
const absentMs = 30_000
/** One that took a configuration has so long for a sign of life: it goes back by itself in less. */
const silentMs = 120_000

const errors: ReadonlySet<StepState> = new Set(['refused', 'rolled-back', 'silent'])
const settled: ReadonlySet<StepState> = new Set([...errors, 'confirmed', 'absent', 'withdrawn'])

export interface Moment {
  known(node: string): Known | undefined
  nowMs: number
}

/** Moves it as far as it goes. Returns what is to be done; the same roll-out asked again says it again only where something has changed. */
export function advance(rollout: Rollout, moment: Moment): Action[] {
  const actions: Action[] = []
  for (const [node, step] of Object.entries(rollout.gateways)) follow(rollout, { node, step }, { ...moment, actions })
  if (rollout.state === 'running' && errorsOf(rollout) >= rollout.errorsMax) stop(rollout, whyOf(rollout), { ...moment, actions })
  while (rollout.state === 'running') {
    const group = rollout.groups[rollout.at]!
    for (const node of group) begin(stepOf(rollout, node), node, { ...moment, actions })
    if (!group.every((node) => settled.has(stepOf(rollout, node).state))) break
    if (rollout.at + 1 === rollout.groups.length) rollout.state = 'done'
    else rollout.at++
  }
  return actions
}

/** What ran before comes back, and nobody gets it any more. */
export function stop(rollout: Rollout, why: string, moment: Doing): void {
  rollout.state = 'stopped'
  rollout.why = why
  for (const [node, step] of Object.entries(rollout.gateways)) {
    if (errors.has(step.state) || step.state === 'withdrawn') continue
    // One that is being tried is not confirmed any more, and goes back by itself.
    moment.actions.push({ k: 'withdraw', node })
    if (step.state === 'confirmed') giveBack({ node, step }, moment)
    else if (step.state !== 'applying') set(step, 'withdrawn', moment.nowMs)
  }
}

/** Another roll-out has this gateway now, also one that this reached: to stop this one is not to bring back what ran before it. */
export function supersede(rollout: Rollout, node: string, nowMs: number): boolean {
  const step = ownValue(rollout.gateways, node)
  if (!step || ['withdrawn', 'returned'].includes(step.state) || errors.has(step.state)) return false
  set(step, 'withdrawn', nowMs, 'a later configuration replaced it')
  return true
}

/** Whether a report can still change it. */
export function isOpen({ state, gateways }: Rollout): boolean {
  return (
    state === 'running' ||
    Object.values(gateways).some(
      (step) => !['confirmed', 'refused', 'rolled-back', 'withdrawn', 'returned', 'not-returned'].includes(step.state),
    )
  )
}

const stepOf = ({ gateways }: Rollout, node: string) => ownValue(gateways, node)!

const errorsOf = ({ gateways }: Rollout) => Object.values(gateways).filter(({ state }) => errors.has(state)).length

function whyOf(rollout: Rollout): string {
  const failed = Object.entries(rollout.gateways).filter(([, { state }]) => errors.has(state))
  return failed.map(([node, { state, detail }]) => `${node} ${state}${detail ? `: ${detail}` : ''}`).join('; ')
}

type Doing = Moment & { actions: Action[] }
interface Of {
  node: string
  step: Step
}

function begin(step: Step, node: string, { nowMs, actions }: Doing): void {
  if (step.state !== 'waiting') return
  set(step, 'asked', nowMs)
  actions.push({ k: 'ask', node })
}

function follow(rollout: Rollout, of: Of, moment: Doing): void {
  const { step, node } = of
  const { nowMs } = moment
  const known = moment.known(node)
  if (step.state === 'absent' && known && known.receivedMs > step.sinceMs && rollout.state !== 'stopped') askAgain(of, moment)
  if (step.state === 'asked') takeTexts(rollout, of, moment)
  if (step.state === 'sent' || step.state === 'applying' || step.state === 'silent') takeOutcome(step, known, nowMs)
  if (step.state === 'confirmed' && rollout.state === 'stopped') giveBack(of, moment)
  if (step.state === 'returning') takeReturn(step, known, nowMs)
  const silentFor = nowMs - Math.max(step.sinceMs, known?.receivedMs ?? 0)
  if ((step.state === 'asked' || step.state === 'sent') && silentFor > absentMs) set(step, 'absent', nowMs)
  if (step.state === 'applying' && silentFor > silentMs) set(step, 'silent', nowMs, 'it was not heard of since it took it')
}

/** One that was sent it has its outcome, or gets it again. */
function askAgain({ step, node }: Of, { nowMs, actions }: Doing): void {
  set(step, step.version === undefined ? 'asked' : 'sent', nowMs)
  if (step.version === undefined) actions.push({ k: 'ask', node })
}

function takeTexts(rollout: Rollout, { step, node }: Of, { known: knownOf, nowMs, actions }: Doing): void {
  const { report, texts } = knownOf(node) ?? {}
  if (!report || !texts || texts.receivedMs < step.sinceMs || texts.hash !== report.running.hash) return
  if (!report.takes.configuration) return set(step, 'refused', nowMs, report.why)
  if (report.drift && !rollout.isOverDrift)
    return set(
      step,
      'refused',
      nowMs,
      'drift: the file of the gateway was edited. `config diff` shows how; --over-drift replaces it',
    )
  step.before = texts.text
  send({ step, node }, { text: rollout.text, report }, { nowMs, actions })
  set(step, 'sent', nowMs)
}

function send(
  { step, node }: Of,
  { text, report }: { text: string; report: GatewayReport },
  { nowMs, actions }: Pick<Doing, 'nowMs' | 'actions'>,
): void {
  step.version = Math.max(Math.round(nowMs), (report.newest?.version ?? 0) + 1)
  actions.push({ k: 'want', node, text, over: report.local, version: step.version })
}

function takeOutcome(step: Step, known: Known | undefined, nowMs: number): void {
  const newest = known?.report.newest
  if (newest?.version !== step.version || newest?.state === step.state) return
  if (step.state !== 'silent' || newest!.state !== 'applying') set(step, newest!.state, nowMs, newest!.detail)
}

function giveBack({ node, step }: Of, moment: Doing): void {
  const known = moment.known(node)
  if (!known || step.before === undefined) return set(step, 'not-returned', moment.nowMs, 'what it ran before is not known')
  send({ node, step }, { text: step.before, report: known.report }, moment)
  set(step, 'returning', moment.nowMs)
}

function takeReturn(step: Step, known: Known | undefined, nowMs: number): void {
  const newest = known?.report.newest
  if (newest?.version !== step.version || newest?.state === 'applying') return
  set(step, newest?.state === 'confirmed' ? 'returned' : 'not-returned', nowMs, newest?.detail)
}

function set(step: Step, state: StepState, sinceMs: number, detail?: string): void {
  Object.assign(step, { state, sinceMs })
  if (detail === undefined) delete step.detail
  else step.detail = detail
}
