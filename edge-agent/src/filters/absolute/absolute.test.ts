import { join } from 'node:path'
import { describeFilter } from '../conformance.ts'
import { absolute } from './absolute.ts'

describeFilter(absolute, join(import.meta.dirname, 'cases'), { band: 1 })
