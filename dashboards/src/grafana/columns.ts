/** Columns that several tables have. */
import { toDevice } from './links.ts'
import type { Column } from './panels.ts'
import { priority, truth } from './states.ts'

export const columns = (...names: string[]): Column[] => names.map((of) => ({ of }))

export const time: Column = { of: '@timestamp', title: 'Time' }
export const deviceColumn: Column = { of: 'device', link: toDevice }
export const priorityColumn: Column = { of: 'priority', states: priority }
export const isActive: Column = { of: 'active', states: truth }
export const isAcknowledged: Column = { of: 'acknowledged', states: truth }

/** The answers to a table's questions, in their order; a question without a title has no column. */
export function answers(...titles: (string | Omit<Column, 'of'> | undefined)[]): Column[] {
  return titles.flatMap((title, k) => {
    const of = `Value #${'ABCDEFGHIJ'[k]}`
    if (title === undefined) return []
    return [typeof title === 'string' ? { of, title } : { of, ...title }]
  })
}
