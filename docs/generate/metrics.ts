/**
 * docs/reference/metrics.md, from the places where the code registers a metric: `metrics.counter('name', 'help')` and
 * `gauge` likewise, name and help written out as plain texts.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { head, table } from './text.ts'

export interface Metric {
  name: string
  kind: 'counter' | 'gauge'
  help: string
  /** Of the repository. */
  file: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const processes = [
  { title: 'Every process', folder: 'platform/src' },
  { title: 'The edge agent', folder: 'edge-agent/src' },
  { title: 'The broker', folder: 'broker/src' },
  { title: 'The processor', folder: 'cloud-processor/src' },
]

const registration = /\b(counter|gauge)\(\s*(['"`])((?:millrace|process)_[^'"`]+)\2,\s*(['"`])((?:\\.|(?!\4)[^\\])*)\4/g

/** Registered metrics by name; one that several plug-ins of a kind register is there once. */
export function allMetrics(): Metric[] {
  return processes.flatMap(({ folder }) => metricsBelow(folder))
}

export function metricsPage(): string {
  const sections = processes.map(({ title, folder }) => {
    const rows = metricsBelow(folder).map(({ name, kind, help }) => [`\`${name}\``, kind, help])
    return `## ${title}\n\n${table(['metric', 'kind', 'what it is'], rows)}\n`
  })
  return [
    head('Metrics', 'where the code registers them'),
    'Each process serves `/metrics` (Prometheus text) when `metrics.port` is set; see [configuration](configuration.md). Counters begin',
    'at zero with each start of a process. A metric with more than 200 label sets counts the rest under `other="true"`.',
    '',
    sections.join('\n'),
  ].join('\n')
}

function metricsBelow(folder: string): Metric[] {
  const found = sourcesBelow(folder).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(registration)].map((match) => ({
      name: match[3]!,
      kind: match[1] as Metric['kind'],
      help: match[5]!.replace(/\\(.)/g, '$1'),
      file,
    })),
  )
  const byName = new Map(found.toReversed().map((metric) => [metric.name, metric]))
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.ts') && !/\.test\.ts$|testing/.test(name))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join('/'))
    .sort()
}
