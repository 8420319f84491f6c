/** A cheap fingerprint of a batch's content, to tell a repeat from another batch that came under the same name. FNV-1a, 32 bits. */
import type { Columns } from '@millrace/contract'

export function digestOf(columns: Columns): number {
  let text = ''
  for (const [name, { t, v }] of Object.entries(columns.channels))
    text += `${name}:${t.length}:${t[0]}:${v[0]}:${t.at(-1)}:${v.at(-1)};`
  for (const [name, segments] of Object.entries(columns.waves)) {
    for (const { t, v } of segments) text += `${name}~${t}:${v.length}:${v[0]}:${v.at(-1)};`
  }
  return digestText(text)
}

export function digestText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
