import type { Verdict } from './verify.ts'

export function printVerdict({ isWhole, channels, total, gaps, ledgerCloses }: Verdict): string {
  const wrong = channels.filter(({ lost, extra }) => lost + extra > 0)
  const lines = wrong.map(
    ({ device, channel, lost, extra, first }) =>
      `  ${device}/${channel}: ${lost} lost, ${extra} doubled or altered; first: ${first}`,
  )
  const sum = `${total.produced} produced, ${total.stored} stored: ${total.lost} lost, ${total.extra} doubled or altered, ${total.explained} explained by ${gaps} gaps; the ledger ${ledgerCloses ? 'closes' : 'does NOT close'}`
  return [...lines, `${isWhole ? 'WHOLE' : 'NOT WHOLE'}: ${sum}`].join('\n')
}
