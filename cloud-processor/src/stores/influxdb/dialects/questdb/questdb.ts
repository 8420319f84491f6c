import type { Engine } from '../../engine.ts'
import type { Dialect } from '../dialect.ts'

export function questdb(_: Engine): Dialect {
  throw new Error('not yet')
}
