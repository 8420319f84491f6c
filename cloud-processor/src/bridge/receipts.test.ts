import type { Receipt } from '@millrace/contract'
import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { createReceipts } from './receipts.ts'

test('a node of which something was held back hears of no credit, though it has opened since, and then of the credit', async () => {
  const sent: Receipt[] = []
  const send = (_node: string, receipt: Receipt) => void sent.push(receipt)
  const receipts = createReceipts({ host: 'h', log: 'l', everyMs: 5, credit: () => 1000, clock: systemClock, send })
  receipts.add('ward/gateway', 'stream', 1, 0)
  receipts.flush()
  receipts.remind('ward/gateway')
  receipts.flush()
  await expect.poll(() => sent.map(({ credit }) => credit)).toEqual([1000, 0, 1000])
  receipts.stop()
})
