/** The few kinds of panel that the dashboards are made of, each with one look. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DashboardLink,
  type DataTransformerConfig,
  type DynamicConfigValue,
  MappingType,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as StatesBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Query } from './queries.ts'

export interface Look {
  title: string
  about: string
  /** Of a grid 24 wide. */
  w: number
  h: number
  /** Grafana's name of a unit. */
  unit?: string
}

/** Sizes that many panels have. */
export const tile = { w: 4, h: 4 }
export const third = { w: 8, h: 8 }
export const half = { w: 12, h: 8 }

export interface Link {
  title: string
  url: string
}

export interface Column {
  /** As the answer calls it: a label, a field of the document, or `Value`, which of several questions is `Value #A`. */
  of: string
  /** What people read; a column with a link keeps its name, since the link is made of it. */
  title?: string
  unit?: string
  link?: Link
  states?: Record<string, State>
}

export interface State {
  text: string
  color: 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'text'
}

const letters = 'ABCDEFGHIJ'
const asked = (queries: Query[]): Builder<Dataquery>[] => queries.map((query, k) => query(letters[k]!))
const legend = () => new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom)

/** A line does not run across an absence of more than a minute. */
const longestBridgeMs = 60_000

export function lines({ title, about, w, h, unit = 'short' }: Look, queries: Query[], link?: Link): LinesBuilder {
  const panel = new LinesBuilder()
    .title(title)
    .description(about)
    .span(w)
    .height(h)
    .unit(unit)
    .targets(asked(queries))
    .lineWidth(1)
    .fillOpacity(5)
    .showPoints(VisibilityMode.Auto)
    .spanNulls(longestBridgeMs)
    .legend(legend().showLegend(true))
  return link ? panel.dataLinks([dataLink(link)]) : panel
}

export function bars(look: Look, queries: Query[]): LinesBuilder {
  return lines(look, queries)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
}

export interface NumberOptions {
  /** From which values on it is yellow and red; one is red. */
  worse?: number[]
  /** The counts of all steps, and not the newest. */
  sums?: boolean
  link?: Link
}

export function number({ title, about, w, h, unit = 'short' }: Look, query: Query, options: NumberOptions = {}): StatBuilder {
  const { worse = [], sums = false, link } = options
  const colors = ['yellow', 'red'].slice(2 - worse.length)
  const steps = [{ value: null, color: 'green' }, ...worse.map((value, k) => ({ value, color: colors[k]! }))]
  const panel = new StatBuilder()
    .title(title)
    .description(about)
    .span(w)
    .height(h)
    .unit(unit)
    .targets(asked([query]))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps as Threshold[]))
    .colorMode(worse.length > 0 ? BigValueColorMode.Value : BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs([sums ? 'sum' : 'lastNotNull']).values(false))
  // No document is a count of zero; a metric that is not there is not known.
  if (sums) panel.noValue('0')
  return link ? panel.dataLinks([dataLink(link)]) : panel
}

/** A link of a value is a title and an address; the SDK gives it the type of a dashboard's. */
const dataLink = (link: Link): Builder<DashboardLink> => ({ build: () => link as DashboardLink })

export function states({ title, about, w, h }: Look, queries: Query[], values: Record<string, State>): StatesBuilder {
  return new StatesBuilder()
    .title(title)
    .description(about)
    .span(w)
    .height(h)
    .targets(asked(queries))
    .mappings([mapping(values)])
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .spanNulls(longestBridgeMs)
    .legend(legend().showLegend(false))
}

/** Rows of several questions with the same labels become one. */
export function table({ title, about, w, h }: Look, queries: Query[], columns: Column[]): TableBuilder {
  const panel = new TableBuilder()
    .title(title)
    .description(about)
    .span(w)
    .height(h)
    .targets(asked(queries))
    .transformations(arrange(columns, queries.length))
    .filterable(true)
  for (const { of, title: name = of, ...look } of columns) {
    const properties = propertiesOf(look)
    if (properties.length > 0) panel.overrideByName(name, properties)
  }
  return panel
}

function arrange(columns: Column[], questions: number): DataTransformerConfig[] {
  const names = columns.map(({ of }) => of)
  const titled = columns.flatMap(({ of, title }) => (title ? [[of, title]] : []))
  return [
    ...(questions > 1 ? [{ id: 'merge', options: {} }] : []),
    { id: 'filterFieldsByName', options: { include: { names } } },
    {
      id: 'organize',
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(names.map((name, k) => [name, k])),
        renameByName: Object.fromEntries(titled),
      },
    },
  ]
}

function propertiesOf({ unit, link, states }: Omit<Column, 'of' | 'title'>): DynamicConfigValue[] {
  return [
    ...(unit ? [{ id: 'unit', value: unit }] : []),
    ...(link ? [{ id: 'links', value: [link] }] : []),
    ...(states
      ? [
          { id: 'mappings', value: [mapping(states)] },
          { id: 'custom.cellOptions', value: { type: 'color-text' } },
        ]
      : []),
  ]
}

function mapping(states: Record<string, State>): ValueMapping {
  const options = Object.entries(states).map(([value, state], index) => [value, { ...state, index }])
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) } as ValueMapping
}
