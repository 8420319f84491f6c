/**
 * Asks every question of dashboards/grafana (panels, variables, annotations) as Grafana would, over real engines:
 * `node test/conformance/grafana-queries.ts [--engine elasticsearch]`.
 *
 *   store       VictoriaMetrics, with what the real stages and the real store make of a simulated life
 *   documents   OpenSearch, likewise
 *   processes   the same VictoriaMetrics, with what a running installation says on its /metrics
 *
 * It fails on an error, on an empty answer, and on a label or field that is not in the answer. Grafana itself is not here: that
 * it takes and draws the dashboards was not tried.
 */
import { readArguments } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'
import { askDocuments, askMarks, askTerms, type Documents } from '../support/grafana/ask-documents.ts'
import { askSeries, demandColumns, type Prometheus, queryNow, type Series } from '../support/grafana/ask-prometheus.ts'
import { compareLedger } from '../support/grafana/compare-ledger.ts'
import {
  type Dashboard,
  type Panel,
  readDashboards,
  readSources,
  type SourceRef,
  type Variable,
} from '../support/grafana/dashboard-files.ts'
import { installationMetrics } from '../support/grafana/installation-metrics.ts'
import { storedLife } from '../support/grafana/stored-life.ts'
import { type Choices, choose, fillIn, inPromQl } from '../support/grafana/variables.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import type { SearchEngine } from './documents-place.ts'

const { values } = readArguments(
  { call: 'node test/conformance/grafana-queries.ts' },
  { engine: { type: 'string', default: 'opensearch' }, seed: { type: 'string', default: '4' } },
)

/** A device of the life that has every kind of channel. */
const wanted: Record<string, string> = { device: 'bed-1' }
/** Nobody in the life says anything with an acknowledgement. */
const mayBeEmpty = new Set(['note'])

await program('grafana', async (context) => {
  const [store, search] = await Promise.all([start(context, 'victoria-metrics'), start(context, values.engine as SearchEngine)])
  const life = await storedLife(Number(values.seed), store, search)
  context.say(`the life is stored: ${life.said}`)
  const metrics = await installationMetrics(context, store)
  context.say(
    `scraped a running installation ${metrics.scrapes} times; invented, since nothing of it happened: ${metrics.invented.join(', ')}`,
  )
  const sources = new Map(readSources().map((source) => [source.uid, source]))

  const prometheusOf = ({ uid }: SourceRef): Prometheus => {
    const scrapeS = Number.parseInt(sources.get(uid)!.jsonData.timeInterval!, 10)
    return { address: store, scrapeS, ...(uid === 'millrace-store' ? life : metrics) }
  }
  const documentsOf = ({ uid }: SourceRef): Documents => ({
    address: search,
    index: sources.get(uid)!.jsonData.index!,
    mayBeEmpty,
    fromMs: life.fromMs,
    toMs: life.toMs,
  })

  /** @throws Error that names the question. */
  async function askPanel(panel: Panel, choices: Choices): Promise<void> {
    const answers: Series[][] = []
    for (const target of panel.targets ?? []) {
      asked++
      try {
        if (target.datasource.type !== 'prometheus') await askDocuments(documentsOf(target.datasource), panel, target, choices)
        else answers.push(await askSeries(prometheusOf(target.datasource), target, choices))
      } catch (error) {
        throw new Error(`${panel.title} ${target.refId}: ${(error as Error).message}`)
      }
    }
    if (answers.length > 0 && panel.type === 'table') demandColumns(panel, answers)
  }

  async function optionsOf(variable: Variable, choices: Choices): Promise<string[]> {
    if (variable.type === 'custom') return `${variable.query}`.split(',')
    const text = typeof variable.query === 'string' ? variable.query : variable.query.query
    if (variable.datasource!.type !== 'prometheus') return askTerms(documentsOf(variable.datasource!), JSON.parse(text).field)
    const at = prometheusOf(variable.datasource!)
    const expr = fillIn(/^query_result\((.*)\)$/.exec(text)![1]!, choices, inPromQl, {})
    const pattern = new RegExp(variable.regex!.slice(1, -1))
    const lines = (await queryNow(at, expr)).map(({ metric }) => JSON.stringify(metric).replace(/"(\w+)":/g, '$1='))
    return [...new Set(lines.flatMap((line) => pattern.exec(line)?.[1] ?? []))].sort()
  }

  /** Every choice of a variable that people make, and of the others what they begin with. */
  async function* choicesOf(dashboard: Dashboard): AsyncGenerator<Choices> {
    const choices: Choices = new Map()
    for (const variable of dashboard.templating.list ?? []) {
      const options = await optionsOf(variable, choices)
      if (options.length === 0) throw new Error(`variable ${variable.name} has no values`)
      const choice = wanted[variable.name]
      choices.set(
        variable.name,
        choose(variable, options, choice && !variable.multi && options.includes(choice) ? choice : undefined),
      )
    }
    yield choices
    for (const { variable, options } of choices.values())
      if (variable.type === 'custom' && !variable.multi)
        for (const option of options.slice(1)) yield new Map(choices).set(variable.name, choose(variable, options, option))
  }

  let asked = 0
  for (const dashboard of readDashboards()) {
    const faults = await askAll(dashboard)
    context.check(
      faults.length === 0,
      `${dashboard.title}: every question is answered${faults.map((fault) => `\n    ${fault}`).join('')}`,
    )
  }
  context.say(`${asked} questions were asked`)
  await compare()
  await plantFaults()

  async function askAll(dashboard: Dashboard): Promise<string[]> {
    const faults = new Set<string>()
    const attempt = (question: Promise<unknown>) => question.catch((error: Error) => faults.add(error.message))
    const ask = async () => {
      for await (const choices of choicesOf(dashboard)) {
        for (const marks of dashboard.annotations.list ?? []) {
          asked++
          await attempt(askMarks(documentsOf(marks.datasource), marks, choices))
        }
        for (const panel of dashboard.panels) await attempt(askRepeated(panel, choices))
      }
    }
    await attempt(ask())
    return [...faults]
  }

  /** A repeated panel is there once for each value; some channel may have had no reading. */
  async function askRepeated(panel: Panel, choices: Choices): Promise<void> {
    if (!panel.repeat) return askPanel(panel, choices)
    const { variable, options } = choices.get(panel.repeat)!
    const each = options.map((option) => askPanel(panel, new Map(choices).set(panel.repeat!, choose(variable, options, option))))
    await Promise.any(each).catch(({ errors: [first] }: AggregateError) => {
      throw first
    })
  }

  /** Of the numbers that matter most, whether they are right. */
  async function compare(): Promise<void> {
    const pipeline = readDashboards().find(({ title }) => title === 'Pipeline and ledger')!
    const { value: choices } = (await choicesOf(pipeline).next()) as { value: Choices }
    const { targets } = pipeline.panels.find(({ title }) => title?.startsWith('The equation'))!
    const at = prometheusOf(targets![0]!.datasource)
    const answers = await Promise.all(targets!.map((target) => askSeries(at, target, choices)))
    const wrong = compareLedger(life.ledger, answers)
    context.check(wrong.length === 0, `the ledger's table shows what the store says ${wrong.join('; ')}`)
    const [count] = readDashboards()
      .find(({ title }) => title === 'Fleet')!
      .panels.flatMap(({ title, type, targets }) => (title === 'Devices' && type === 'stat' ? targets! : []))
    const devices = Number((await askSeries(at, count!, choices))[0]!.values[0]![1])
    context.check(devices === life.devices, `the fleet has as many devices as the store: ${devices}, ${life.devices}`)
  }

  /** Whether this test would see what it is for. */
  async function plantFaults(): Promise<void> {
    const device = readDashboards().find(({ title }) => title === 'Device')!
    const { value: choices } = (await choicesOf(device).next()) as { value: Choices }
    const isCaught = async (what: string, from: string, to: string) => {
      const panel = device.panels.find((panel) => JSON.stringify(panel).includes(from))!
      const spoilt: Panel = JSON.parse(JSON.stringify(panel).replaceAll(from, to))
      const fault = await askRepeated(spoilt, choices).then(
        () => undefined,
        (error: Error) => error.message,
      )
      context.check(fault !== undefined, `planted, and caught: ${what}: ${fault}`)
    }
    await isCaught('a field that a measurement does not have', 'reading_value', 'reading_valve')
    await isCaught('a label that a series does not have', '{{channel}}', '{{chanel}}')
    await isCaught('a column that no answer has', '"subject"', '"sujet"')
    await isCaught('a column that no document has', 'lostReadings', 'readingsLost')
    await isCaught('a condition on a field that documents do not have', 'open:true', 'opened:true')
  }
})

async function start({ dir, atEnd, say }: Program, name: 'victoria-metrics' | SearchEngine): Promise<string> {
  const engine = await obtain(name, { dir: `${dir}/${name}` }, say)
  if (isMissing(engine)) throw new CannotRun(engine.missing)
  atEnd(() => engine.stop())
  return engine.address
}
