/** The analyses. Adding one is one line here; see analysis.ts. */
import type { Analysis } from './analysis.ts'
import { anomaly } from './anomaly/anomaly.ts'
import { band } from './band/band.ts'
import { correlation } from './correlation/correlation.ts'
import { ecg } from './ecg/ecg.ts'
import { forecast } from './forecast/forecast.ts'
import { increase } from './increase/increase.ts'
import { logTemplates } from './log-templates/log-templates.ts'
import { statistics } from './statistics/statistics.ts'

/** In the order of the reference page. */
export const analyses: Analysis[] = [ecg, statistics, increase, correlation, band, forecast, anomaly, logTemplates]

const byName = new Map(analyses.map((analysis) => [analysis.name, analysis]))

/** The schema of the configuration lets pass no name that is not in the list. */
export function analysisOf({ analysis }: { analysis: string }): Analysis {
  return byName.get(analysis)!
}
