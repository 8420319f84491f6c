/**
 * VictoriaMetrics: a metric for each field, times in milliseconds, numbers only. Booleans are 1 and 0; text is a label and
 * therefore no reading. A point cannot be replaced: it is written beside the first with a revision. Without
 * `-dedup.minScrapeInterval=1ms` a repeated write is held twice until the next merge.
 *
 * A write is acknowledged from memory. Rows become searchable and are put to disk within a second or two, small parts within
 * five more. A flush that is asked for does not wait for one that has begun.
 */
import type { Engine } from '../../engine.ts'
import { type Dialect, isRefusal, type Row, type RowQuery, type Traits } from '../dialect.ts'
import { matchingRows } from '../matching-rows.ts'
import { someRows } from '../some-rows.ts'
import { type Asking, createAsking } from './asking.ts'
import { daysOf, flagsOf, startOf } from './metrics.ts'
import { joinFields, newestRows } from './rows.ts'
import { askSteps } from './steps.ts'

const traits: Traits = {
  precision: 'ms',
  resolutionMs: 1,
  text: 'label',
  replaces: false,
  futureMsMax: 2 * 86_400_000,
  durableAfterMs: 15_000,
  visibleAfterMs: 1500,
}

export function victoriametrics(engine: Engine): Dialect {
  const asking = createAsking(engine)
  return {
    traits,
    writePath: '/api/v2/write?precision=ms',
    isRefusal,
    prepare: () => checkFlags(engine),
    run: async () => startOf(await engine.request('GET', '/metrics')),
    settle: asking.settle,
    rows: (query) => {
      const windows = {
        resolutionUs: 1000,
        cheapPoints,
        count: (part: RowQuery) => countPoints(asking, part),
        all: (part: RowQuery) => allRows(asking, part),
        matching: (part: RowQuery) => countMatching(asking, part),
      }
      return query.atLeast ? matchingRows(query, windows) : someRows(query, windows)
    },
    newest: (measurement, where = {}) => newestRows(asking, measurement, where),
    steps: (query) => askSteps(asking, query),
    setUp: () => sayFlags(engine),
  }
}

const matchOf = (asking: Asking, { measurement, where }: RowQuery) =>
  asking.selector(measurement, Object.keys(measurement.fields), where)

async function allRows(asking: Asking, query: RowQuery): Promise<Row[]> {
  const { fromUs, toUs, measurement } = query
  const series = await asking.samples(matchOf(asking, query), Math.ceil(fromUs / 1000), Math.floor(toUs / 1000))
  return joinFields(measurement, series)
}

const cheapPoints = 5000

/** A window that reaches back to 1970 is answered with nothing. */
const earliestMs = 1_000_000

function countPoints(asking: Asking, query: RowQuery): Promise<number> {
  const points = matchOf(asking, query)
  return sumOver(asking, query, (window) => `count_over_time(${points}[${window}])`)
}

/** Points of the field that is asked for; one that is 0 and was written again counts too. */
function countMatching(asking: Asking, query: RowQuery): Promise<number> {
  const { measurement, where, atLeast } = query
  const points = asking.selector(measurement, [atLeast!.field], where)
  const count = (window: string) =>
    `count_gt_over_time(${points}[${window}], ${atLeast!.value - 1}) + count_eq_over_time(${points}[${window}], 0)`
  return sumOver(asking, query, count)
}

async function sumOver(asking: Asking, query: RowQuery, count: (window: string) => string): Promise<number> {
  const [fromMs, toMs] = [Math.max(earliestMs, Math.ceil(query.fromUs / 1000)), Math.floor(query.toUs / 1000)]
  if (toMs < fromMs) return toMs < earliestMs ? 1 : 0
  const found = await asking.now(`sum(${count(`${toMs - fromMs + 1}ms`)})`, toMs)
  return Number(found[0]?.value[1] ?? 0)
}

async function checkFlags(engine: Engine): Promise<void> {
  const { interval, keptDays } = await readFlags(engine)
  if (interval !== '1ms') throw new Error('VictoriaMetrics must run with -dedup.minScrapeInterval=1ms')
  const { retentionDays } = engine.config
  // What is older than its own retention it drops without a word.
  if (keptDays < retentionDays)
    throw new Error(`VictoriaMetrics must run with -retentionPeriod=${retentionDays}d, or store.retentionDays be less`)
}

async function sayFlags(engine: Engine): Promise<string[]> {
  const { interval, keptDays } = await readFlags(engine)
  const { retentionDays } = engine.config
  const wanted = retentionDays === 0 ? 'the longest that you want, such as 100y' : `${retentionDays}d`
  const isEnough = retentionDays > 0 && keptDays >= retentionDays
  const kept = `flag -retentionPeriod keeps ${Math.floor(keptDays)} days`
  return [
    interval === '1ms'
      ? 'flag -dedup.minScrapeInterval is 1ms, as it must be'
      : 'TO DO: start VictoriaMetrics with -dedup.minScrapeInterval=1ms',
    isEnough
      ? `${kept}; the store wants ${retentionDays}`
      : `TO DO: ${kept}; start VictoriaMetrics with -retentionPeriod=${wanted}`,
    'roll-ups: none needed, it rolls up as it answers',
  ]
}

async function readFlags(engine: Engine): Promise<{ interval: string | undefined; keptDays: number }> {
  const flags = flagsOf(await engine.request('GET', '/metrics'))
  return { interval: flags.get('dedup.minScrapeInterval'), keptDays: daysOf(flags.get('retentionPeriod') ?? '1') }
}
