/**
 * From each topic that a sink wants into it. Several processes share a sink's partitions, and for a moment two may write one: a
 * sink is idempotent, or its readers know a repeat by its id.
 */
import type { Topic } from '@millrace/contract'
import type { Role, Run } from '../members/index.ts'
import { createPosition, type Sink } from '../sinks/index.ts'
import { runSink, type SinkOptions } from '../stage/index.ts'
import type { NamedSink, Needs } from './context.ts'

/** One request carries what came since the last one. */
const restMs = 200

type SinkContext = Needs<'config' | 'sinks'>

export function sinkRoles(context: SinkContext): Role[] {
  const { sinks = [], log } = context
  return sinks.map((named) => ({
    name: named.name,
    among: named.stage,
    partitions: log.partitions,
    start(partition) {
      const runs = named.sink.topics.map((topic) => carry(named, topic, partition, context))
      return {
        async stop() {
          await Promise.all(runs.map((run) => run.stop()))
        },
      }
    },
  }))
}

/**
 * What a sink had not read yet is not kept for it where the configuration no longer names it. On a log that is shared another
 * process may have it.
 */
export async function forgetSinks({ sinks = [], log }: Pick<SinkContext, 'sinks' | 'log'>): Promise<void> {
  const present = new Set(sinks.flatMap(({ name, sink }) => sink.topics.map((topic) => readerOf(name, topic))))
  const readers = (await log.readers?.()) ?? []
  const gone = readers.filter((name) => /^(documents|sink)-/.test(name) && !present.has(name))
  await Promise.all(gone.map((name) => log.unregisterReader(name)))
}

const readerOf = (sink: string, topic: Topic) => `${sink}-${topic.split('.').at(-1)}`

function carry({ name, sink }: NamedSink, topic: Topic, partition: number, context: SinkContext): Run {
  const { log, clock, logger, config } = context
  const at = readerOf(name, topic)
  if (sink.position) return runSink(ownPosition(at, sink, sink.position, { topic, partition, log }), config.runner, context)
  const position = createPosition(sink, topic, partition, clock)
  const run = runSink(
    {
      name: at,
      topic,
      partition,
      async position(kept) {
        // What was trimmed while the sink was not configured is not in it.
        const { start } = await log.bounds(topic, partition)
        return Math.max((await position.restore(kept)) ?? start, start)
      },
      async write(records) {
        await position.saveIfDue()
        const refused = await sink.write(log.id, topic, partition, position.withoutRepeats(records))
        position.took(records, refused.length === 0)
        if (refused.length === 0) await position.saveIfDue()
        return refused
      },
      restMs,
      holdsLog: true,
    },
    config.runner,
    context,
  )
  return {
    async stop() {
      await run.stop()
      // Where the same again is there once, the position may wait for the next start.
      if (sink.isIdempotent) return
      await position
        .saveLast()
        .catch((error) => logger.warn('a sink writes some again: its position is not kept', { sink: at, error }))
    },
  }
}

interface Place {
  topic: Topic
  partition: number
  log: Pick<SinkContext['log'], 'id' | 'bounds'>
}

function ownPosition(name: string, sink: Sink, position: NonNullable<Sink['position']>, place: Place): SinkOptions {
  const { topic, partition, log } = place
  return {
    name,
    topic,
    partition,
    async position() {
      const { start } = await log.bounds(topic, partition)
      return Math.max(await position.open(log.id, topic, partition, start), start)
    },
    write: (records) => sink.write(log.id, topic, partition, records),
    needed: () => position.durable(topic, partition),
    restMs,
    holdsLog: true,
  }
}
