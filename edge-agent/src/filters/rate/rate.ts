/** Keeps a value towards which the channel has moved, since the last kept one, by more than `perSecond` on average. */
import { z } from 'zod'
import { exceeds, type FilterPlugin } from '../filter.ts'

const schema = z.strictObject({ perSecond: z.number().nonnegative().describe("In the channel's unit a second") })

export const rate: FilterPlugin<z.infer<typeof schema>, { t: number; v: number }> = {
  kind: 'rate',
  schema,
  start: (t, v) => ({ t, v }),
  step({ perSecond }, kept, t, v) {
    if (!exceeds((v - kept.v) * 1000, perSecond * (t - kept.t))) return 'drop'
    kept.t = t
    kept.v = v
    return 'keep'
  },
}
