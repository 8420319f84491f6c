/** Every engine and tool: one line each. */
import { artemis } from './artemis/artemis.ts'
import { elasticsearch } from './elasticsearch/elasticsearch.ts'
import { influxdb } from './influxdb/influxdb.ts'
import { kafka } from './kafka/kafka.ts'
import { kcat } from './kcat/kcat.ts'
import { mosquitto } from './mosquitto/mosquitto.ts'
import { opensearch } from './opensearch/opensearch.ts'
import { promtool } from './promtool/promtool.ts'
import { questdb } from './questdb/questdb.ts'
import { victoriaMetrics } from './victoria-metrics/victoria-metrics.ts'

export const engines = {
  kafka,
  'victoria-metrics': victoriaMetrics,
  mosquitto,
  artemis,
  questdb,
  opensearch,
  elasticsearch,
  influxdb,
}

export const tools = {
  kcat,
  promtool,
}
