import { expect, test } from 'vitest'
import { rooms, unknownRooms, wrongDoors } from './rooms.ts'
import { sourcesBelow } from './sources.ts'

/** Which packages of Millrace each package may import. The processes never import each other: they meet on the wire. */
const mayImport: Record<string, string[]> = {
  platform: [],
  contract: ['@millrace/platform'],
  alarms: ['@millrace/platform', '@millrace/contract'],
  'edge-agent': ['@millrace/platform', '@millrace/contract', '@millrace/alarms'],
  broker: ['@millrace/platform', '@millrace/contract'],
  'cloud-processor': ['@millrace/platform', '@millrace/contract', '@millrace/alarms'],
  simulators: ['@millrace/platform', '@millrace/contract', '@millrace/edge-agent/decoders'],
  dashboards: [
    '@millrace/platform',
    '@millrace/contract',
    '@millrace/cloud-processor/web',
    '@millrace/cloud-processor/stores/influxdb-schema',
    '@millrace/cloud-processor/sinks/opensearch-schema',
  ],
  cli: [
    '@millrace/platform',
    '@millrace/contract',
    '@millrace/alarms',
    '@millrace/broker',
    '@millrace/cloud-processor',
    '@millrace/dashboards',
    // An import is an edge node.
    '@millrace/edge-agent/outbox',
    '@millrace/edge-agent/uplink',
    '@millrace/simulators',
  ],
}
for (const [folder, allowed] of Object.entries(mayImport)) {
  test(`${folder} imports nothing above its rank`, () => {
    const wrong = sourcesBelow(folder)
      .filter(({ path }) => !path.endsWith('.test.ts') && !path.endsWith('.test.tsx'))
      .flatMap(({ path, imports }) =>
        imports
          .filter((specifier) => specifier.startsWith('@millrace/') || specifier === 'millrace')
          .filter((specifier) => specifier.split('/').slice(0, 2).join('/') !== `@millrace/${folder}`)
          .filter((specifier) => !allowed.some((start) => specifier === start || specifier.startsWith(`${start}/`)))
          .map((specifier) => `${path} imports ${specifier}`),
      )
    expect(wrong, 'Move what is shared down to platform, contract or alarms, or let the processes meet on the wire.').toEqual([])
  })
}

const clients: Record<string, string[]> = {
  mqtt: [
    'edge-agent/src/uplink/',
    'cloud-processor/src/bridge/',
    'cloud-processor/src/rules/notifiers/mqtt/',
    'cli/src/devices/',
  ],
  serialport: ['edge-agent/src/bus/serial/'],
  aedes: ['broker/src/'],
  fastify: ['cloud-processor/src/web/'],
  '@influxdata/influxdb-client': ['cloud-processor/src/stores/influxdb/'],
  kafkajs: ['cloud-processor/src/sinks/kafka/'],
}

test('each npm client is imported in one folder of a process', () => {
  const wrong = Object.keys(mayImport)
    .flatMap(sourcesBelow)
    .filter(({ path }) => !/\.test\.tsx?$|testing/.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => clients[name] && !clients[name].some((folder) => path.startsWith(folder)))
        .map((name) => `${path} imports ${name}`),
    )
  expect(wrong, 'Go through the folder that owns the client.').toEqual([])
})

test('stages do not import stages', () => {
  const stages = ['bridge', 'prepare', 'rules', 'stores', 'sinks', 'web']
  const wrong = stages.flatMap((stage) =>
    sourcesBelow(`cloud-processor/src/${stage}`)
      .filter(({ path }) => !path.endsWith('.test.ts'))
      .flatMap(({ path, imports }) =>
        imports
          .filter((specifier) => stages.some((other) => other !== stage && new RegExp(`^(\\.\\./)+${other}/`).test(specifier)))
          // The interface of the stores is what the page reads from; it is a kind, not a stage.
          .filter((specifier) => !specifier.endsWith('stores/store.ts'))
          .map((specifier) => `${path} imports ${specifier}`),
      ),
  )
  expect(wrong, 'Stages meet in processor.ts, over the log.').toEqual([])
})

test('every package and every folder of it is known, and no file lies loose', () => {
  expect(Object.keys(rooms)).toEqual(Object.keys(mayImport))
  const unknown = Object.keys(rooms).flatMap((folder) => unknownRooms(folder, sourcesBelow(folder)))
  const remedy =
    'Move the file into the folder of what it is part of. A new folder needs a line in test/tidy/rooms.ts that says what it may import.'
  expect(unknown, remedy).toEqual([])
  const loose = ['cloud-processor/src/loose.ts', 'cloud-processor/src/odds/ends.ts', 'cloud-processor/src/roles/page.ts']
  expect(
    unknownRooms(
      'cloud-processor',
      loose.map((path) => ({ path })),
    ),
  ).toEqual(loose.slice(0, 2))
})

test('folders of a process import only what their line in rooms.ts says', () => {
  const wrong = Object.keys(rooms).flatMap((folder) => wrongDoors(folder, sourcesBelow(folder)))
  expect(wrong, 'Pass it in, or move it down to a folder that both may import. A new way needs a word in rooms.ts.').toEqual([])
  const upwards = { path: 'cloud-processor/src/bridge/x.ts', text: '', imports: ['../roles/page.ts', '../log/log.ts', './y.ts'] }
  expect(wrongDoors('cloud-processor', [upwards])).toEqual(['cloud-processor/src/bridge/x.ts imports roles'])
})

test('roles do not import roles', () => {
  const wrong = sourcesBelow('cloud-processor/src/roles')
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith('./') && !/^\.\/(context|parts)\.ts$/.test(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    )
  expect(wrong, 'processor.ts passes one role what it needs of another.').toEqual([])
})

test('no folder is called after nothing in particular', () => {
  const wrong = Object.keys(mayImport)
    .flatMap(sourcesBelow)
    .filter(({ path }) => /(^|\/)(utils?|common|helpers?|managers?|misc)(\/|\.ts)/.test(path))
    .map(({ path }) => path)
  expect(wrong, 'Name it after what it does.').toEqual([])
})
