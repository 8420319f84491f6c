import { expect, test } from 'vitest'
import { sourcesBelow } from './sources.ts'

/** What each package may import of ours. The processes never import each other: they meet on the wire. */
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
    '@millrace/cloud-processor/stores/opensearch-schema',
  ],
  cli: [
    '@millrace/platform',
    '@millrace/contract',
    '@millrace/broker',
    '@millrace/cloud-processor',
    '@millrace/dashboards',
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
  mqtt: ['edge-agent/src/uplink/', 'cloud-processor/src/bridge/'],
  serialport: ['edge-agent/src/bus/serial/'],
  aedes: ['broker/src/'],
  fastify: ['cloud-processor/src/web/'],
  '@influxdata/influxdb-client': ['cloud-processor/src/stores/influxdb/'],
}

test('each npm client is imported in one folder of a process', () => {
  const wrong = Object.keys(mayImport)
    .flatMap(sourcesBelow)
    .filter(({ path }) => !/\.test\.tsx?$|for-test/.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => clients[name] && !clients[name].some((folder) => path.startsWith(folder)))
        .map((name) => `${path} imports ${name}`),
    )
  expect(wrong, 'Go through the folder that owns the client.').toEqual([])
})

test('stages do not import stages', () => {
  const stages = ['bridge', 'prepare', 'rules', 'stores', 'web']
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

test('no folder is called after nothing in particular', () => {
  const wrong = Object.keys(mayImport)
    .flatMap(sourcesBelow)
    .filter(({ path }) => /(^|\/)(utils?|common|helpers?|managers?|misc)(\/|\.ts)/.test(path))
    .map(({ path }) => path)
  expect(wrong, 'Name it after what it does.').toEqual([])
})
