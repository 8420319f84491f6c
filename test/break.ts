/**
 * The programs that break the promises on purpose, and the rehearsals: `npm run break` lists them, `npm run break -- <name>
 * [options]` runs one, `npm run break -- <name> --help` lists its options. Simulation and bench have scripts of their own.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ownValue } from '@millrace/platform'

const programs: Record<string, { file: string; what: string }> = {
  chaos: { file: 'e2e/chaos.ts', what: 'real processes under overlapping faults, and an observer that is never killed' },
  'power-cut': { file: 'failures/power-cut.ts', what: 'power cuts of a real file system under outbox, log and store (root)' },
  archive: {
    file: 'failures/archive.ts',
    what: 'an archive ended at every step of publishing and merging, by power cut and kill -9',
  },
  'full-disk': { file: 'failures/full-disk.ts', what: 'a full disk under the outbox (root)' },
  offline: {
    file: 'failures/offline.ts',
    what: '50 devices offline for 30 days; the backlog drains, the first hour value by value',
  },
  import: {
    file: 'failures/import.ts',
    what: 'an import of a CSV killed again and again: every row once, counted, and nobody called',
  },
  limits: { file: 'failures/limits.ts', what: 'an outbox at its bound: every eviction is a gap' },
  'bad-input': { file: 'failures/bad-input.ts', what: 'bad input of every kind and hostile clients; then a fix and a replay' },
  decoders: { file: 'failures/decoders.ts', what: 'ten million random and mutated bytes over all decoders' },
  devices: { file: 'failures/devices.ts', what: 'decoders beside pynmea2, dsmr_parser and pymodbus, value for value' },
  notifications: { file: 'failures/notifications.ts', what: 'ten thousand notifications for a slow receiver, and a restart' },
  'link-cut': { file: 'failures/link-cut.ts', what: 'the link of the simulated ward is cut: one alarm that people see' },
  stop: { file: 'failures/stop.ts', what: 'every process told to stop at each step of its life' },
  clocks: { file: 'failures/clocks.ts', what: 'wrong clocks of gateways and devices: error before and after the correction' },
  'clock-jumps': { file: 'failures/clock-drill.ts', what: 'wall clocks of agent and processor that jump while alarms are due' },
  'foreign-node': { file: 'failures/foreign-node.ts', what: 'Sparkplug nodes that are not ours, through gaps and kills' },
  'plain-devices': { file: 'failures/plain-devices.ts', what: 'plain MQTT devices, through gaps and kills' },
  rollout: { file: 'failures/rollout.ts', what: 'bad configurations rolled out to 20 gateways; kills of processor and gateways' },
  neighbour: { file: 'failures/neighbour.ts', what: 'a healthy device beside hostile sources' },
  retained: { file: 'failures/retained.ts', what: 'retained copies of a dead sensor, through restarts of processor and broker' },
  takeover: { file: 'failures/takeover.ts', what: '10,000 devices on three processors; SIGKILL of the owner' },
  'kafka-kill': { file: 'failures/kafka-kill.ts', what: 'Kafka killed five times under load of two processes' },
  upgrade: { file: 'e2e/upgrade.ts', what: 'data directories, outboxes and topics of an earlier version' },
  doctor: { file: 'e2e/doctor.ts', what: '`millrace-agent doctor` finds each fault, made for real, and says what to do' },
  install: { file: 'e2e/install.ts', what: 'the agent’s packages in a clean Debian: upgrade, roll back, remove (root)' },
  security: {
    file: 'failures/security.ts',
    what: 'named checks of what keeps strangers out, by clauses of OWASP, ETSI EN 303 645 and MQTT; planted holes',
  },
  certificates: {
    file: 'e2e/certificates.ts',
    what: 'gateways with certificates: enrolment, kills, renewal, 60 days off, revocation on each listener',
  },
  'hot-plug': { file: 'e2e/hot-plug.ts', what: 'two identical devices unplugged and swapped 200 times; the slowest recovery' },
  'local-rules': {
    file: 'e2e/local-rules.ts',
    what: 'an alarm on the gateway with the link cut and the agent killed: one in the cloud',
  },
  counters: { file: 'failures/counters.ts', what: 'counters that are reset and go round, through an outage: their totals' },
  unplug: { file: 'e2e/unplug.ts', what: 'a device is unplugged, and plugged in again' },
  'start-twice': { file: 'e2e/start.ts', what: '`npm start`, Ctrl-C, start again; `kill -9` of each process' },
  'fresh-clone': { file: 'e2e/fresh-clone.ts', what: 'each npm script in a clone without packages' },
  guides: { file: 'e2e/guides.ts', what: 'the guides of docs/, followed word by word' },
  lan: { file: 'e2e/lan.ts', what: 'the guide of plain devices, from a network of your own to a chart and an alarm' },
  messages: { file: 'e2e/messages.ts', what: 'what a person gets wrong, and the one message that says so' },
  'told-to-stop': { file: 'e2e/told-to-stop.ts', what: '`npm start` ends, whichever of its processes is sent SIGINT or SIGTERM' },
  ecg: { file: 'failures/ecg.ts', what: 'beats found in ECG records, with noise and pacing, beside XQRS of wfdb' },
  anomalies: { file: 'failures/anomalies.ts', what: 'anomaly scores by the scoring of NAB, beside a random detector' },
  'log-templates': {
    file: 'failures/log-templates.ts',
    what: 'templates of log lines against what they were made from, beside drain3',
  },
  'real-input': { file: 'e2e/real-input.ts', what: 'device recordings through the whole length, sample for sample' },
  latency: { file: 'e2e/latency.ts', what: 'from the sensor’s byte to the webhook, quiet and under a backlog' },
  backup: { file: 'e2e/backup.ts', what: 'backup, a lost disk, restore' },
  'outside-consumer': { file: 'e2e/outside-consumer.ts', what: 'a program that is not ours reads Kafka by the published schema' },
  conformance: {
    file: 'conformance/main.ts',
    what: 'every log, store and sink by the same suites; broker, agent and host by clauses',
  },
  operations: { file: 'operations/main.ts', what: 'alert rules, compose file and Kubernetes manifests' },
  scale: { file: 'bench/scale.ts', what: '1, 2 and 4 processors on one Kafka' },
}

const [name, ...args] = process.argv.slice(2)
const chosen = ownValue(programs, name ?? '')
if (chosen) {
  spawn(process.execPath, [join(import.meta.dirname, chosen.file), ...args], { stdio: 'inherit' }).on('exit', (code) => {
    process.exitCode = code ?? 1
  })
} else {
  const isHelp = name === undefined || name === '--help' || name === '-h'
  const width = Math.max(...Object.keys(programs).map(({ length }) => length))
  if (!isHelp) console.error(`There is no ${name}. These are there:\n`)
  else console.log('usage: npm run break -- <program> [options]\n')
  for (const [known, { what }] of Object.entries(programs)) console.log(`${known.padEnd(width)}  ${what}`)
  process.exitCode = isHelp ? 0 : 2
}
