/** Keeps a value that differs from the last kept one by more than `percent` of it. From 0 every change is kept. */
import { z } from 'zod'
import { exceeds, type FilterPlugin } from '../filter.ts'

const schema = z.strictObject({ percent: z.number().nonnegative().describe('Of the last kept value') })

export const percent: FilterPlugin<z.infer<typeof schema>, { v: number }> = {
  kind: 'percent',
  schema,
  start: (_t, v) => ({ v }),
  step({ percent }, kept, _t, v) {
    if (!exceeds((v - kept.v) * 100, percent * Math.abs(kept.v))) return 'drop'
    kept.v = v
    return 'keep'
  },
}
