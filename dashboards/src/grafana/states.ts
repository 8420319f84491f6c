/** Words and colours for numbers that are states. */
import type { State } from './panels.ts'

export const yesOrNo = (yes: string, no: string): Record<string, State> => ({
  '1': { text: yes, color: 'green' },
  '0': { text: no, color: 'red' },
})

export const flag: Record<string, State> = { '1': { text: 'on', color: 'blue' }, '0': { text: 'off', color: 'text' } }

export const quality: Record<string, State> = {
  '0': { text: 'good', color: 'green' },
  '1': { text: 'uncertain', color: 'yellow' },
  '2': { text: 'bad', color: 'red' },
}

export const absence: Record<string, State> = { '1': { text: 'no data', color: 'orange' }, '0': { text: 'data', color: 'green' } }

export const priority: Record<string, State> = {
  high: { text: 'high', color: 'red' },
  medium: { text: 'medium', color: 'orange' },
  low: { text: 'low', color: 'yellow' },
}

export const truth: Record<string, State> = { true: { text: 'yes', color: 'orange' }, false: { text: 'no', color: 'text' } }
