/**
 * JSON lines of one channel as the store holds it, unscaled, in time order, read page by page:
 * `{"t":1764000000000,"v":97,"q":1}` a reading (`q` only when not good), `{"t":...,"i":4,"v":[...]}` a waveform segment.
 */
import type { ChannelKind } from '@millrace/contract'
import type { StoreReader } from '../stores/store.ts'

const pointsPerPage = 5000
const segmentsPerPage = 200

export async function* exportLines(
  store: StoreReader,
  device: string,
  channel: string,
  kind: ChannelKind,
  from: number,
  to: number,
): AsyncGenerator<string> {
  const page = kind === 'waveform' ? segmentPage : pointPage
  let after = Number.NEGATIVE_INFINITY
  for (;;) {
    const { text, last, full } = await page(store, device, channel, Math.max(from, after), to, after)
    if (text !== '') yield text
    if (!full || last === after) return
    after = last
  }
}

interface Page {
  text: string
  /** Time of the last line; what the next page repeats of it is left out. */
  last: number
  full: boolean
}

type ReadPage = (store: StoreReader, device: string, channel: string, from: number, to: number, after: number) => Promise<Page>

const pointPage: ReadPage = async (store, device, channel, from, to, after) => {
  const { t, v, q } = await store.points(device, channel, from, to, pointsPerPage)
  let text = ''
  for (let k = 0; k < t.length; k++) {
    if (t[k]! <= after) continue
    text += `${JSON.stringify({ t: t[k], v: v[k], ...(q?.[k] ? { q: q[k] } : {}) })}\n`
  }
  return { text, last: t.at(-1) ?? after, full: t.length >= pointsPerPage }
}

const segmentPage: ReadPage = async (store, device, channel, from, to, after) => {
  const segments = await store.segments(device, channel, from, to, segmentsPerPage)
  const fresh = segments.filter((segment) => segment.t > after)
  const text = fresh.map(({ t, i, v }) => `${JSON.stringify({ t, i, v })}\n`).join('')
  return { text, last: fresh.at(-1)?.t ?? after, full: segments.length >= segmentsPerPage }
}
