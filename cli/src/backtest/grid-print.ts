/** A grid of counts as a table, as CSV, and as a picture: a cell for each pair, darker where there are more alarms. */
import type { Axis, CountedGrid, Suggestion } from './grid.ts'
import { spanOf, tableOf } from './print.ts'

export function printGrid({ rule, rows, columns, counts }: CountedGrid): string {
  const head = [`${rows.key} / ${columns.key}`, ...columns.values.map((value) => valueText(columns, value))]
  const lines = rows.values.map((value, k) => [valueText(rows, value), ...counts[k]!.map(String)])
  return [`Alarms of ${rule}:`, '', ...tableOf([head, ...lines], 1)].join('\n')
}

export function printSuggestions(all: Suggestion[], wanted: number, days: number): string {
  if (all.length === 0) return `No values of the grid come to at most ${wanted} alarms a day. Make it wider.`
  const lines = all.map(({ values, alarms }) => {
    const given = Object.entries(values).map(([key, value]) => `${key}=${value}`)
    return `  ${given.join(' ')}: ${Math.round((alarms / days) * 100) / 100} a day`
  })
  return [`Nearest to ${wanted} alarms a day, and not above:`, ...lines].join('\n')
}

export function csvOf({ rows, columns, counts }: CountedGrid): string {
  const lines = rows.values.flatMap((row, r) => columns.values.map((column, c) => `${row},${column},${counts[r]![c]}`))
  return `${[`${rows.key},${columns.key},alarms`, ...lines].join('\n')}\n`
}

const cell = { width: 64, height: 32, left: 144, top: 64 }

export function svgOf(grid: CountedGrid, days: number): string {
  const { rule, rows, columns, counts } = grid
  const [width, height] = [cell.left + columns.values.length * cell.width + 16, cell.top + rows.values.length * cell.height + 16]
  const most = Math.max(1, ...counts.flat())
  const title = `Alarms of ${rule} in ${Math.round(days * 100) / 100} days, by ${rows.key} (down) and ${columns.key} (across)`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    textAt({ x: 8, y: 20, anchor: 'start' }, `Alarms of ${rule}`),
    textAt({ x: 8, y: 50, anchor: 'start' }, `${rows.key} / ${columns.key}`),
    ...columns.values.map((value, k) => textAt({ x: cell.left + (k + 0.5) * cell.width, y: 50 }, valueText(columns, value))),
    ...rows.values.flatMap((value, row) => [
      textAt({ x: cell.left - 8, y: middleOf(row), anchor: 'end' }, valueText(rows, value)),
      ...counts[row]!.map((count, column) => cellAt({ row, column, count, share: count / most })),
    ]),
    '</svg>\n',
  ].join('\n')
}

const middleOf = (row: number) => cell.top + (row + 0.5) * cell.height + 5

function cellAt({ row, column, count, share }: Record<'row' | 'column' | 'count' | 'share', number>): string {
  const [x, y] = [cell.left + column * cell.width, cell.top + row * cell.height]
  const light = Math.round(96 - 66 * share)
  const ink = light < 60 ? '#fff' : '#111'
  const box = `<rect x="${x}" y="${y}" width="${cell.width - 2}" height="${cell.height - 2}" fill="hsl(215,70%,${light}%)"/>`
  return box + textAt({ x: x + cell.width / 2 - 1, y: middleOf(row) - 1, ink }, `${count}`)
}

interface Place {
  x: number
  y: number
  anchor?: 'start' | 'middle' | 'end'
  ink?: string
}

function textAt({ x, y, anchor = 'middle', ink = '#111' }: Place, text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${ink}">${escaped(text)}</text>`
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const valueText = ({ key }: Axis, value: number) => (key.endsWith('Ms') ? spanOf(value) : `${value}`)
