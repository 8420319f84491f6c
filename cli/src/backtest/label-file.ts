/**
 * Labels: stretches of time in which people say that something was the matter with a device. As CSV, or as YAML:
 *
 *     device,from,to,rule                               labels:
 *     bed-1,2026-11-29T08:00:00Z,2026-11-29T08:05:00Z,    - { device: bed-1, from: ..., to: ..., rule: spo2-low }
 *
 * With a `rule` a label is for that rule alone, without for every one. Times are of the device, with their zone.
 */
import { z } from 'zod'
import { faultsIn, readSource, readText } from '../rules/source.ts'
import { timeOf } from './times.ts'

export interface Label {
  device: string
  fromMs: number
  toMs: number
  rule?: string
}

const rowSchema = z.strictObject({
  device: z.string().min(1),
  from: z.string(),
  to: z.string(),
  rule: z.string().min(1).optional(),
})
const fileSchema = z.strictObject({ labels: z.array(rowSchema) })

/** @param rules names that a label can have. @throws Error that names the file, the line and what is wrong. */
export function readLabels(path: string, rules: string[]): Label[] {
  const rows = /\.ya?ml$/.test(path) ? yamlRows(path) : csvRows(path)
  if (rows.length === 0) throw new Error(`${path} has no labels. Write a line for each: device, from, to.`)
  return rows.map(({ at, row }) => labelOf(at, row, rules))
}

interface Row {
  at: string
  row: z.infer<typeof rowSchema>
}

function labelOf(at: string, { device, from, to, rule }: Row['row'], rules: string[]): Label {
  const [fromMs, toMs] = [timeOf(`${at}: from`, from), timeOf(`${at}: to`, to)]
  if (fromMs > toMs) throw new Error(`${at}: from ${from} is after to ${to}. Exchange them.`)
  if (rule !== undefined && !rules.includes(rule))
    throw new Error(`${at}: there is no rule ${rule}. The file has ${rules.join(', ')}.`)
  return { device, fromMs, toMs, ...(rule === undefined ? {} : { rule }) }
}

function yamlRows(path: string): Row[] {
  const source = readSource(path)
  const parsed = fileSchema.safeParse(source.value)
  if (!parsed.success) throw new Error(faultsIn(source, parsed.error.issues).join('\n'))
  return parsed.data.labels.map((row, k) => ({ at: source.at(['labels', k]), row }))
}

const columns = Object.keys(rowSchema.shape)

function csvRows(path: string): Row[] {
  const lines = readText(path)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, k) => ({ at: `${path}:${k + 1}`, cells: cellsOf(text), isEmpty: text.trim() === '' }))
    .filter(({ isEmpty }) => !isEmpty)
  const [head, ...rest] = lines
  const names = head?.cells ?? []
  if (names.some((name) => !columns.includes(name)) || !['device', 'from', 'to'].every((name) => names.includes(name)))
    throw new Error(`${head?.at ?? path}: the first line is "${names.join(',')}". Make it device,from,to or device,from,to,rule.`)
  return rest.map(({ at, cells }) => {
    if (cells.length > names.length) throw new Error(`${at}: ${cells.length} values for ${names.length} columns. Quote a comma.`)
    const given = names.map((name, k) => [name, cells[k]]).filter(([, cell]) => cell !== undefined && cell !== '')
    const parsed = rowSchema.safeParse(Object.fromEntries(given))
    if (parsed.success) return { at, row: parsed.data }
    throw new Error(`${at}: ${parsed.error.issues.map(({ path: of }) => of.join('.')).join(', ')} is missing.`)
  })
}

/** Of RFC 4180, on one line. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?=,|$)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'),
  )
}
