/** What the engine will never take, as records for the rejected topic. */
import type { RejectedRecord, Tally } from '@millrace/contract'
import { catalogue, type ErrorCode } from '@millrace/platform'
import type { Refused } from '../../stage/index.ts'
import type { Piece } from '../accounting/index.ts'
import type { Unwritable } from './points.ts'

/** Of the text of refused lines in one rejected record. */
const linesInRecord = 1000

/** In the order of the timeline. */
export function rejections(unwritable: Unwritable[], pieces: Piece[]): Refused[] {
  return [...refusedPoints(unwritable), ...refusedPieces(pieces)].sort((a, b) => a.offset - b.offset)
}

export const tooFineText = (device: string, channel: string) => {
  const code = 'STORE_CHANNEL_TOO_FINE'
  return `${says(code, `${device}/${channel}`)} ${catalogue[code].remedy}`
}

/** One for each record, channel and reason, with the lines that were refused. */
function refusedPoints(unwritable: Unwritable[]): Refused[] {
  const groups = Map.groupBy(
    unwritable,
    ({ piece, code }) => `${piece.offset} ${code} ${piece.points ? '' : '~'}${piece.channel}`,
  )
  return [...groups.values()].map((group) => {
    const { piece, code, detail } = group[0]!
    const lost: Tally = piece.points ? [group.length, 0] : [0, group.length]
    const text = group.slice(0, linesInRecord).map((one) => one.line ?? spelled(one))
    const rejected: RejectedRecord = {
      ...{ f: 1, k: 'rejected', reason: code, detail: says(code, detail), at: 'store' },
      ...{ device: piece.device, channel: piece.channel, lost, atMs: piece.atMs },
      bytesBase64: Buffer.from(text.join('\n')).toString('base64'),
    }
    return { offset: piece.offset, rejected }
  })
}

/** All of a channel that the engine cannot hold: one for each record, with its samples. */
function refusedPieces(pieces: Piece[]): Refused[] {
  return pieces
    .filter((piece) => piece.isTooFine)
    .map(({ offset, device, channel, count, atMs, segments }) => {
      const rejected: RejectedRecord = {
        ...{ f: 1, k: 'rejected', reason: 'STORE_CHANNEL_TOO_FINE', detail: tooFineText(device, channel), at: 'store' },
        ...{ device, channel, lost: [0, count], atMs },
        bytesBase64: Buffer.from(JSON.stringify(segments)).toString('base64'),
      }
      return { offset, rejected }
    })
}

const says = (code: ErrorCode, detail: string) => catalogue[code].says.replace('{detail}', detail)

/** A reading that has no line: its time and its value as the device gave it. */
function spelled({ piece, place }: Unwritable): string {
  if (piece.points) return JSON.stringify({ t: piece.points.t[place], v: piece.points.v[place] })
  let at = place
  for (const { t, i, v } of piece.segments!) {
    if (at < v.length) return JSON.stringify({ t: t + at * i, v: v[at] })
    at -= v.length
  }
  return ''
}
