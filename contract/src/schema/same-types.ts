/**
 * The types in ../timeline.ts are what the code uses; the schemas here are what is published. This page fails to compile when
 * they say different things: each accepts all that the other does, and each has every optional field of the other.
 */
import type { z } from 'zod'
import type { Channel } from '../reading.ts'
import type { AlarmTopicRecord, RawRecord, RejectedRecord, TimelineRecord } from '../timeline.ts'
import type { alarmTopicRecord } from './alarms.ts'
import type { channel } from './fields.ts'
import type { rawJson } from './raw.ts'
import type { rejectedRecord } from './rejected.ts'
import type { timelineRecord } from './timeline.ts'

type Filled<T> = T extends object ? { [K in keyof T]-?: Filled<T[K]> } : T
type Accepts<A, B> = [B] extends [A] ? true : false
type Both<A, B> = [Accepts<A, B>, Accepts<B, A>]
type Same<A, B> = [...Both<A, B>, ...Both<Filled<A>, Filled<B>>]
type Yes<T extends [true, true, true, true]> = T

/** Exported for the compiler: nobody reads it. */
export type SchemasAreTheTypes = [
  Yes<Same<z.infer<typeof timelineRecord>, TimelineRecord>>,
  Yes<Same<z.infer<typeof rejectedRecord>, RejectedRecord>>,
  Yes<Same<z.infer<typeof alarmTopicRecord>, AlarmTopicRecord>>,
  Yes<Same<z.infer<typeof rawJson>, Exclude<RawRecord, { k: 'message' }>>>,
  Yes<Same<z.infer<typeof channel>, Channel>>,
]
