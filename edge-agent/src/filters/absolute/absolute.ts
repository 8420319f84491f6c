/** Keeps a value that differs from the last kept one by more than `band`. */
import { z } from 'zod'
import { exceeds, type FilterPlugin } from '../filter.ts'

const schema = z.strictObject({ band: z.number().nonnegative().describe("In the channel's unit") })

export const absolute: FilterPlugin<z.infer<typeof schema>, { v: number }> = {
  kind: 'absolute',
  schema,
  start: (_t, v) => ({ v }),
  step({ band }, kept, _t, v) {
    if (!exceeds(v - kept.v, band)) return 'drop'
    kept.v = v
    return 'keep'
  },
}
