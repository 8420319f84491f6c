import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Dashboard, Panel, VariableModel } from '@grafana/grafana-foundation-sdk/dashboard'
import { type Kind, kinds } from '@millrace/cloud-processor/sinks/opensearch-schema'
import { type Measurement, measurements, revisionTag } from '@millrace/cloud-processor/stores/influxdb-schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { allMetrics } from '../../../docs/generate/metrics.ts'
import { grafanaFiles } from './files.ts'
import { sourceDefaults } from './sources.ts'

const folder = fileURLToPath(new URL('../../grafana', import.meta.url))
const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const files = grafanaFiles(sourceDefaults)

interface Source {
  uid: string
  type: string
  jsonData: { index?: string }
}

/** As Grafana reads it: targets and data sources are whatever their plug-ins want. */
interface Target {
  refId: string
  datasource: { type: string; uid: string }
  expr?: string
  query?: string
  rawSql?: string
  legendFormat?: string
  bucketAggs?: { field: string }[]
}

const sources: Source[] = parse(read('provisioning/datasources/millrace.yaml')).datasources
const paths = readdirSync(join(folder, 'dashboards')).map((name) => `dashboards/${name}`)
const dashboards = paths.map((path): Dashboard => JSON.parse(read(path)))
const panelsOf = ({ panels }: Dashboard) => panels as Panel[]
const targetsOf = ({ targets }: Panel) => (targets ?? []) as unknown as Target[]
const variablesOf = ({ templating }: Dashboard): VariableModel[] => templating.list ?? []

/** What VictoriaMetrics calls the series of a measurement, with the labels that they can have. */
const storedLabels = new Map<string, Set<string>>(
  Object.values<Measurement>(measurements).flatMap(({ name, tags, fields }) => {
    const texts = Object.keys(fields).filter((field) => fields[field] === 'text')
    const numbers = Object.keys(fields).filter((field) => fields[field] !== 'text')
    return numbers.map((field) => [`${name}_${field}`, new Set([...tags, ...texts, revisionTag])] as const)
  }),
)
const toldMetrics = new Set(allMetrics().map(({ name }) => name))

test('the files are those that the source makes', () => {
  const committed = [...paths, 'provisioning/datasources/millrace.yaml', 'provisioning/dashboards/millrace.yaml'].sort()
  expect([...files.keys()].sort()).toEqual(committed)
  for (const [path, content] of files)
    expect(read(path) === content, `${path}: run node dashboards/src/grafana/generate.ts`).toBe(true)
})

test('each source of data is provisioned under a uid of its own, and each index with the fields of its kind', () => {
  expect(new Set(sources.map(({ uid }) => uid)).size).toBe(sources.length)
  for (const { jsonData } of sources.filter(({ type }) => type !== 'prometheus'))
    expect(Object.keys(kinds).map((kind) => `millrace-${kind}-*`)).toContain(jsonData.index)
})

test('a dashboard is found under a uid of its own', () => {
  const uids = dashboards.map(({ uid }) => uid)
  expect(new Set(uids).size).toBe(uids.length)
  for (const uid of uids) expect(uid).toMatch(/^[a-z-]{8,40}$/)
})

test('for OpenSearch the same is asked of its plug-in', () => {
  const other = grafanaFiles({ ...sourceDefaults, documents: 'opensearch' })
  for (const [path, content] of other) {
    if (!path.endsWith('.json')) continue
    expect(content.includes('"type": "elasticsearch"')).toBe(false)
    expect(content.replaceAll('grafana-opensearch-datasource', 'elasticsearch')).toBe(files.get(path))
  }
})

test.each([
  ['influxdb', 'influxdb', 'query'],
  ['questdb', 'grafana-postgresql-datasource', 'rawSql'],
] as const)('for %s each panel asks the store in its language, and the rest stays', (store, type, language) => {
  const other = grafanaFiles({ ...sourceDefaults, store })
  for (const [path, content] of other) {
    if (!path.endsWith('.json')) continue
    const made: Dashboard = JSON.parse(content)
    const before: Dashboard = JSON.parse(files.get(path)!)
    for (const [k, panel] of panelsOf(made).entries()) {
      const asked = targetsOf(panelsOf(before)[k]!)
      for (const [n, target] of targetsOf(panel).entries())
        if (asked[n]!.datasource.uid !== 'millrace-store') expect(target).toEqual(asked[n])
        else expect([target.datasource.type, target.expr, typeof target[language]]).toEqual([type, undefined, 'string'])
      expect({ ...panel, targets: [] }).toEqual({ ...panelsOf(before)[k], targets: [] })
    }
  }
})

describe.each(dashboards.map((dashboard) => [dashboard.title!, dashboard] as const))('%s', (_, dashboard) => {
  const panels = panelsOf(dashboard)
  const text = JSON.stringify(dashboard)

  test('is what Grafana takes: a version, panels with ids, letters for questions, no two in one place', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const panel of panels) {
      const letters = targetsOf(panel).map(({ refId }) => refId)
      expect(new Set(letters).size).toBe(letters.length)
      const { x, y, w, h } = panel.gridPos!
      expect(x + w).toBeLessThanOrEqual(24)
      for (let column = x; column < x + w; column++)
        for (let row = y; row < y + h; row++) {
          expect([panel.title, taken.has(`${column} ${row}`)]).toEqual([panel.title, false])
          taken.add(`${column} ${row}`)
        }
    }
  })

  test('says what each panel shows', () => {
    for (const { type, title, description, targets } of panels.filter(({ type }) => type !== 'row'))
      expect([type, title, Boolean(description), (targets ?? []).length > 0]).toEqual([type, title, true, true])
  })

  test('asks only sources that are provisioned', () => {
    const known = sources.map(({ type, uid }) => `${type} ${uid}`)
    const asked = [...panels.flatMap(targetsOf), ...variablesOf(dashboard), ...(dashboard.annotations.list ?? [])]
    for (const { datasource } of asked) if (datasource) expect(known).toContain(`${datasource.type} ${datasource.uid}`)
  })

  test('uses only variables that it has, after those that they depend on', () => {
    const own = variablesOf(dashboard).map(({ name }) => name)
    for (const [k, { query }] of variablesOf(dashboard).entries())
      for (const name of namedIn(JSON.stringify(query ?? ''))) expect(own.slice(0, k)).toContain(name)
    for (const name of namedIn(text)) expect(own).toContain(name)
    for (const { repeat } of panels) if (repeat) expect(own).toContain(repeat)
  })

  test('names only series, labels and metrics that exist', () => {
    for (const { expr, at } of expressions(dashboard)) {
      for (const spelled of chosenIn(expr, dashboard))
        for (const { metric, labels } of selectorsIn(spelled)) {
          const isStore = at === 'millrace-store'
          expect([metric, isStore ? storedLabels.has(metric) : toldMetrics.has(metric)]).toEqual([metric, true])
          if (isStore)
            for (const label of labels)
              expect([metric, [...storedLabels.get(metric)!]]).toEqual([metric, expect.arrayContaining([label])])
        }
    }
  })

  test('names only fields that documents of the kind have', () => {
    for (const panel of panels)
      for (const { datasource, query, bucketAggs } of targetsOf(panel)) {
        const kind = kindOf(datasource.uid)
        if (!kind) continue
        const columns = bucketAggs!.length > 0 ? [] : shown(panel)
        const named = [...fieldsIn(query!), ...bucketAggs!.map(({ field }) => field), ...columns]
        expect([panel.title, named.filter((field) => !(field in kinds[kind].fields))]).toEqual([panel.title, []])
      }
    for (const marks of (dashboard.annotations.list ?? []) as unknown as Record<string, string>[]) {
      const { fields } = kinds[kindOf((marks.datasource as unknown as Source).uid)!]
      const named = [
        ...fieldsIn(marks.query!),
        marks.textField,
        marks.timeField,
        ...(marks.timeEndField ? [marks.timeEndField] : []),
      ]
      expect(named.filter((field) => !(field! in fields))).toEqual([])
    }
  })

  test('links to dashboards that there are, with variables that those have', () => {
    for (const [, uid, query] of text.matchAll(/"url":"\/d\/([a-z-]+)\?([^"]*)"/g)) {
      const target = dashboards.find((one) => one.uid === uid)
      expect([uid, target !== undefined]).toEqual([uid, true])
      for (const [, name] of query!.matchAll(/var-(\w+)=/g))
        expect(variablesOf(target!).map((variable) => variable.name)).toContain(name)
    }
  })
})

test('an alarm, and a device of the fleet, lead to the device', () => {
  const link = '/d/millrace-device?var-device='
  for (const [title, named] of [
    ['Alarms', 'Open alarms'],
    ['Fleet', 'Devices'],
  ] as const) {
    const panels = panelsOf(dashboards.find((dashboard) => dashboard.title === title)!)
    const table = panels.find((panel) => panel.title === named && panel.type === 'table')
    expect(JSON.stringify(table)).toContain(link)
  }
})

/** Grafana's own variables begin with two underscores. */
const namedIn = (text: string) =>
  [...text.matchAll(/\$\{?([A-Za-z]\w*)/g)].map(([, name]) => name!).filter((name) => !name.startsWith('__'))

const kindOf = (uid: string) =>
  (uid.startsWith('millrace-documents-') ? uid.slice('millrace-documents-'.length) : undefined) as Kind | undefined

const fieldsIn = (query: string) => [...query.matchAll(/([\w.@-]+):/g)].map(([, field]) => field!)

const shown = ({ transformations }: Panel): string[] =>
  transformations?.find(({ id }) => id === 'filterFieldsByName')?.options.include.names ?? []

function expressions(dashboard: Dashboard): { expr: string; at: string }[] {
  const asked = panelsOf(dashboard)
    .flatMap(targetsOf)
    .flatMap(({ expr, datasource }) => (expr === undefined ? [] : [{ expr, at: datasource.uid }]))
  const listed = variablesOf(dashboard).flatMap(({ definition, datasource }) =>
    definition?.startsWith('query_result(') ? [{ expr: definition, at: datasource!.uid! }] : [],
  )
  return [...asked, ...listed]
}

/** A name that a choice is part of, with each choice. */
function chosenIn(expr: string, dashboard: Dashboard): string[] {
  const part = variablesOf(dashboard).find(({ name, type }) => type === 'custom' && expr.includes(`_$${name}`))
  return part ? `${part.query}`.split(',').map((choice) => expr.replaceAll(`$${part.name}`, choice)) : [expr]
}

/** Names of series: words with the prefix of Millrace that are not labels. */
function selectorsIn(expr: string): { metric: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:millrace|process|reading|wave)_\w+)(?:\{([^}]*)\})?/g)].map(([, metric, where]) => ({
    metric: metric!,
    labels: [...(where ?? '').matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label!),
  }))
}
