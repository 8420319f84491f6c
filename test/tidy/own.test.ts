import { expect, test } from 'vitest'
import { computedAccesses } from './own.ts'

/** Accesses whose keys do not come from outside: a schema's, a configuration's, an engine's. Each with what the key is. */
const ours: Record<string, RegExp> = {
  'the schema of the store':
    /^cloud-processor\/src\/stores\/influxdb\/.*: (?:.*\.values|values|fields|labels|tags|record|.*\.fields)\[/,
  'units of a retention, checked by a pattern': /victoriametrics\/metrics\.ts: days\[/,
  'names of the topics, walked by Object.keys': /log\/kafka\/.*: .*\[(?:short|name) as keyof/,
  'errors of the Kafka protocol': /platformatic\/errors\.ts: protocolErrors/,
  'names of the fields of a document': /sinks\/opensearch\/template\.ts: properties\[outer\]/,
  'keys of a codec, walked by Object.keys': /prepare\/plain\/config\.ts: /,
  'kinds that the configuration was checked for': /edge-agent\/src\/(?:config|doctor\/devices|filters\/index)\.ts: \w+Plugins\[/,
  'channels of an instrument': /openbci-cyton\.ts: values\[/,
  'a number in a file of the outbox': /outbox\/entry\.ts: kinds\[kind\]/,
  'aliases, which are numbers': /outbox\/prepare\.ts: renamed\[alias\]/,
  'names of metrics, walls of text with braces': /platform\/src\/metrics\.ts: all\[/,
  'paths of the configuration': /platform\/src\/(?:config|overrides)\.ts: /,
  'names of the environment': /platform\/src\/variables\.ts: env\[/,
  'the answer of a PRAGMA': /: \(db\.prepare\(`PRAGMA/,
  'positions: a log, a stroke, a partition': /stage\/marks\.ts: marks\[key\]/,
  'names of the commands': /cli\/src\/commands\.ts: commands\[name\]/,
  'names of the roles': /processor\.ts: lags\[name\]/,
  'made without a prototype by aedes': /broker\.clients\[clientId\]/,
  'endings of the page’s own files': /web\/page\.ts: types\[/,
  'the catalogue of messages': /schema\/asyncapi\.ts: /,
  'looked at by Object.hasOwn just before': /alarms\/src\/change\.ts: words\[name\]/,
  'names of the record that is surveyed, walked by its caller': /accounting\/survey\.ts: record\./,
  'walked by Object.entries, or asked by `hasKey`':
    /prepare\/(?:last-known\.ts: columns|plain\/channels\.ts: columns|plain\/codecs\/paths\.ts: (?:object|value)\[key\])/,
  'kinds of a sentence, asked just before': /nmea-0183\/(?:sentences\.ts: shapes|shapes\.ts: fields)\[/,
  'the place that does it right': /platform\/src\/own\.ts: /,
}

test('names from outside are looked up as own members only', () => {
  const found = computedAccesses().filter((access) => !Object.values(ours).some((pattern) => pattern.test(access)))
  expect(found, 'use a Map, or ownValue, ownOr and setOwn of @millrace/platform; or say above where the key comes from').toEqual(
    [],
  )
}, 120_000)
