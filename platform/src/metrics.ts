/** Counters and gauges in the Prometheus text format. Label sets are bounded: past `labelSetsMax` a metric counts under `other`. */
export interface Counter {
  add(labels?: Record<string, string>, by?: number): void
  value(labels?: Record<string, string>): number
}

/** One value of a gauge that has several. */
export interface Sample {
  labels: Record<string, string>
  value: number
}

export interface Metrics {
  counter(name: string, help: string): Counter
  /** Read when the metrics are requested. Past the bound of label sets the rest is summed under `other`. NaN: not known. */
  gauge(name: string, help: string, read: () => number | Sample[]): void
  /** Prometheus text exposition format 0.0.4. */
  expose(): string
  /** `name{labels}` to value, for tests and JSON. */
  values(): Record<string, number>
}

const labelSetsMax = 200
const others = '{other="true"}'

export function createMetrics(): Metrics {
  const counters = new Map<string, { help: string; values: Map<string, number>; counter: Counter }>()
  const gauges = new Map<string, { help: string; read: () => number | Sample[] }>()
  const values = () => {
    const all: Record<string, number> = {}
    for (const [name, { values }] of counters) for (const [labels, value] of values) all[name + labels] = value
    for (const [name, { read }] of gauges) for (const [labels, value] of readGauge(read)) all[name + labels] = value
    return all
  }
  return {
    counter(name, help) {
      const known = counters.get(name)
      if (known) return known.counter
      const values = new Map<string, number>()
      const counter: Counter = {
        add(labels, by = 1) {
          const key = formatLabels(labels)
          const known = values.get(key)
          if (known !== undefined || values.size < labelSetsMax) values.set(key, (known ?? 0) + by)
          else values.set(others, (values.get(others) ?? 0) + by)
        },
        value: (labels) => values.get(formatLabels(labels)) ?? 0,
      }
      counters.set(name, { help, values, counter })
      return counter
    },
    gauge(name, help, read) {
      gauges.set(name, { help, read })
    },
    expose() {
      const lines: string[] = []
      for (const [name, { help, values }] of counters) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`)
        for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`)
      }
      for (const [name, { help, read }] of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`)
        for (const [labels, value] of readGauge(read)) lines.push(`${name}${labels} ${value}`)
      }
      return `${lines.join('\n')}\n`
    },
    values,
  }
}

function readGauge(read: () => number | Sample[]): [labels: string, value: number][] {
  const now = read()
  if (typeof now === 'number') return [['', now]]
  const samples = now.map(({ labels, value }): [string, number] => [formatLabels(labels), value])
  if (samples.length <= labelSetsMax) return samples
  const rest = samples.slice(labelSetsMax).reduce((sum, [, value]) => sum + value, 0)
  return [...samples.slice(0, labelSetsMax), [others, rest]]
}

/** At each count: without arrays in between it costs half as much. */
function formatLabels(labels: Record<string, string> | undefined): string {
  let text = ''
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escapeValue(labels[name]!)}"`
  return text === '' ? '' : `${text}}`
}

/** The text format knows these three escapes and no other. */
function escapeValue(value: string): string {
  if (!/[\\"\n]/.test(value)) return value
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}
