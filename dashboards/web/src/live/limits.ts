/** Limits that people set beside the rule file. */
import type { LimitsView, LimitTrial } from '@millrace/cloud-processor/web'
import { answer, post } from './api.ts'

export type RuleLimits = LimitsView['rules'][number]

export interface LimitOrder {
  rule: string
  keys: Record<string, number>
  by: string
  reason: string
  untilMs?: number
  devices?: string[]
  subjects?: string[]
  groups?: string[]
}

export const fetchLimits = async () => answer<LimitsView>(await fetch('/api/limits'))
export const setLimit = (order: LimitOrder) => post(`/api/limits${order.untilMs === undefined ? '/permanent' : ''}`, order)
export const tryLimit = (order: Omit<LimitOrder, 'by' | 'reason' | 'untilMs'> & { hours: number }) =>
  post<LimitTrial>('/api/limits/try', order)
export const endLimit = (id: string, by: string) => post('/api/limits/end', { id, by })

/** Those that a person changed. @param texts by key, as they were typed */
export function changedKeys({ keys }: RuleLimits, texts: ReadonlyMap<string, string>): Record<string, number> {
  const known = new Map(Object.entries(keys))
  const changed = [...texts].filter(([key, text]) => text.trim() !== '' && Number(text) !== known.get(key))
  return Object.fromEntries(changed.map(([key, text]) => [key, Number(text)]))
}
