import { join } from 'node:path'
import { describeFilter } from '../conformance.ts'
import { percent } from './percent.ts'

describeFilter(percent, join(import.meta.dirname, 'cases'), { percent: 5 })
