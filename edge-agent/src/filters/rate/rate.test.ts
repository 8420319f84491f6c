import { join } from 'node:path'
import { describeFilter } from '../conformance.ts'
import { rate } from './rate.ts'

describeFilter(rate, join(import.meta.dirname, 'cases'), { perSecond: 1 })
