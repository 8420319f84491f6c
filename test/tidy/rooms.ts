/**
 * Every room of every package: a folder, or a file beside the package's pipeline file. Of the two processes that hold the flow
 * each room names the rooms that it may import.
 */
import { posix } from 'node:path'
import { isTest, type Source } from './sources.ts'

type Rooms = Record<string, string>

const anything = (names: string): Rooms => Object.fromEntries(names.split(' ').map((name) => [name, '*']))

export const rooms: Record<string, Rooms> = {
  platform: anything(
    'arguments back-off boot-id clear-text clock config data-folder durable-file errors event-loop fair-room fnv guesses http http-server index inside link-local listener-schema log loopback metrics metrics-endpoint overrides own post process-metrics run secret-file source-address sqlite steady-clock stop testing turns variables varint verifier webhook worker worker-side',
  ),
  contract: anything(
    'alert clock-offset codes counter enrolment index join-token ledger naming ranges reading rebirth receipt records registry schema timeline topic-filter sparkplug',
  ),
  alarms: anything(
    'absence at-edge causes change conditions control edge engine event-order glob groups holds index lane latch life-cycle limited limits list matching memory orders out-of-use overrides places plan progress readings realarm rule rule-file score series set-back silences spans step testing tick trial warnings',
  ),
  'edge-agent': {
    main: 'commands config engines gateway remote spool supervisor',
    gateway: 'agent config credential engines parts remote rules status uplink',
    remote: 'agent bus config device engines uplink',
    commands: 'config credential doctor setup status try',
    doctor: 'agent bus config credential device engines status uplink',
    clock: 'stretches',
    setup: 'bus config credential decoders engines',
    engines: 'agent clock config credential device health observe outbox rules uplink',
    health: 'agent config credential device intake outbox stretches uplink',
    agent: 'clock config device outbox parts presence rules stretches uplink',
    parts: 'outbox uplink',
    presence: 'device uplink',
    config: 'bus decoders filters outbox rules uplink',
    device: 'bus config decoders filters intake stretches',
    intake: 'decoders filters gathered scalars segments stretches times values',
    gathered: 'bad-frames scalars',
    scalars: 'filters values',
    'bad-frames': '',
    segments: '',
    stretches: '',
    times: 'stretches',
    values: '',
    bus: '',
    decoders: '',
    filters: '',
    outbox: 'stretches',
    rules: 'outbox',
    uplink: 'clock outbox',
    observe: 'outbox',
    spool: 'outbox',
    status: '',
    supervisor: '',
    install: '',
    credential: 'uplink',
    // What people look at; nothing is kept or sent.
    try: 'bus config decoders',
  },
  broker: anything(
    'access broker config counts engine guard keeping listener main mosquitto refusal-audit refusals refusals-command sessions stats testing websocket',
  ),
  'cloud-processor': {
    main: 'config engines processor',
    engines: 'bridge config kinds log members roles rules sinks stores',
    config: 'bridge log prepare rules sinks stage stores web',
    processor: 'config members observe roles',
    roles: 'bridge config gateways kinds log members observe people prepare registry rules sinks stage stores web',
    // Engines, and how a plug-in of one is listed.
    kinds: '',
    // How the log and the sink on Kafka reach it.
    kafka: '',
    // The stages of the flow: they meet over the log.
    bridge: 'log',
    prepare: 'log stage',
    rules: 'log stage',
    stores: 'kinds log stage',
    sinks: 'kafka kinds log stage',
    web: 'gateways log people stage stores',
    people: '',
    // Remote care: it meets the flow over the timeline and the bridge, in roles/page.ts.
    gateways: '',
    observe: 'bridge log stage stores',
    // What the page knows of it when it starts.
    registry: 'prepare stage',
    members: 'log stage',
    stage: 'log',
    log: 'kafka kinds',
    backup: 'bridge kinds log',
  },
  simulators: anything(
    'bays device faults fleet index instruments line link main manifest ports recordings scenario scenarios signals',
  ),
  dashboards: anything('build demo grafana kibana web'),
  cli: anything(
    'actor api archive asking backtest ca command commands devices durations gateways import index lan ledger limit main notify package people replay rules silence tail trace up verify',
  ),
}

/** Of a path below a package: `cloud-processor/src/roles/page.ts` is in `roles`, `cloud-processor/src/main.ts` in `main`. */
const roomOf = (path: string) => path.replace(/^[^/]+\/(src\/)?/, '').replace(/(\.ts|\/.*)$/, '')

/** Test support beside a test may be anywhere. */
const isForTests = (path: string) => isTest(path) || /sample-/.test(path)

/** Paths in no known room. */
export function unknownRooms(folder: string, sources: Pick<Source, 'path'>[]): string[] {
  const known = rooms[folder]!
  return sources
    .map(({ path }) => path)
    .filter((path) => !(roomOf(path) in known) && !(isForTests(path) && /^[^/]+\/(src\/)?[^/]+$/.test(path)))
}

/** What is imported beyond the table. */
export function wrongDoors(folder: string, sources: Source[]): string[] {
  return sources
    .filter(({ path }) => !isForTests(path))
    .flatMap(({ path, imports }) => {
      const room = roomOf(path)
      const allowed = rooms[folder]![room]?.split(' ') ?? []
      return imports
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => roomOf(posix.join(posix.dirname(path), specifier)))
        .filter((to) => to !== room && !allowed.includes('*') && !allowed.includes(to))
        .map((to) => `${path} imports ${to}`)
    })
}
