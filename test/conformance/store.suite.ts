/** Run by store-victoria-metrics.ts and its like, which say on which engine. */
import { describeStore } from '@millrace/cloud-processor/stores/conformance'
import { describeFaults } from './store-faults.ts'
import { differences, makePlace, type TimeSeriesEngine } from './store-place.ts'

const name = process.env.SUITE_ENGINE as TimeSeriesEngine

for (const [what, why] of Object.entries(differences[name])) console.log(`${name} differs in ${what}: ${why}`)

describeStore(name, () => makePlace(name), differences[name])

describeFaults(name)
