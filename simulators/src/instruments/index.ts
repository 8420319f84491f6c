import { contecCms50 } from './contec-cms50.ts'
import type { InstrumentPlugin } from './instrument.ts'
import { nmea0183 } from './nmea-0183.ts'
import { openbciCyton } from './openbci-cyton.ts'

export * from './instrument.ts'

export const instrumentPlugins = [contecCms50, nmea0183, openbciCyton] as InstrumentPlugin[]
