/** What people get wrong on their first day. */
export interface Mistake {
  what: string
  of: 'agent' | 'broker' | 'processor' | 'simulator' | 'millrace'
  args: string[]
  /** Written to `c.yaml` of the folder it is made in. */
  yaml?: string
  /** Names the value and the remedy. */
  says: RegExp
  code: 1 | 2
}

const words: Mistake[] = [
  {
    what: 'a command that is not there',
    of: 'millrace',
    args: ['balance'],
    says: /balance is not a command.*usage: millrace/s,
    code: 2,
  },
  {
    what: 'an option that is not there',
    of: 'millrace',
    args: ['ledger', '--port', '1'],
    says: /'--port'.*usage: millrace ledger/s,
    code: 2,
  },
  {
    what: 'a file where --config belongs',
    of: 'agent',
    args: ['run', 'my.yaml'],
    says: /my\.yaml was not expected: --config/,
    code: 2,
  },
  {
    what: 'a configuration that is not there',
    of: 'processor',
    args: ['run', '--config', 'none.yaml'],
    says: /none\.yaml.*Give an existing file/,
    code: 1,
  },
  {
    what: 'a scenario that is not there',
    of: 'simulator',
    args: ['run', 'sea', '--ports', 'ports'],
    says: /There is no scenario sea\. Name one of .*ward/,
    code: 1,
  },
]

const check = ['check', '--config', 'c.yaml']
const run = ['run', '--config', 'c.yaml']

const configurations: Mistake[] = [
  {
    what: 'YAML that does not parse',
    of: 'broker',
    args: check,
    yaml: 'listen: [',
    says: /c\.yaml is not valid.*line 1/s,
    code: 1,
  },
  {
    what: 'a misspelt key',
    of: 'agent',
    args: check,
    yaml: 'uplink: { ulr: x }',
    says: /uplink\.ulr.*no such key.*Correct the named key/,
    code: 1,
  },
  {
    what: 'a plug-in that is not there',
    of: 'processor',
    args: check,
    yaml: 'log: { kind: kafkaa }',
    says: /log\.kind = "kafkaa".*'embedded' \| 'kafka'\. Correct/,
    code: 1,
  },
  {
    what: 'an open listener without TLS',
    of: 'broker',
    args: run,
    yaml: 'listen: { host: 0.0.0.0 }',
    says: /0\.0\.0\.0 is not on loopback.*configure TLS/,
    code: 1,
  },
  {
    what: 'a backup of nothing',
    of: 'millrace',
    args: ['backup', '--to', 'copy', '--config', 'c.yaml'],
    yaml: 'dataDir: data',
    says: /data has no log of a processor\. Name the dataDir/,
    code: 2,
  },
]

/** @param taken a port that something else listens at; at `free` nothing does. */
export function mistakesWith({ taken, free }: { taken: number; free: number }): Mistake[] {
  const says = new RegExp(`Port ${taken} is in use\\. Stop what listens there`)
  const url = `http://127.0.0.1:${free}`
  return [
    ...words,
    ...configurations,
    {
      what: 'no processor',
      of: 'millrace',
      args: ['ledger', '--url', url],
      says: /No processor answers at .*Start it with npm start/,
      code: 2,
    },
    { what: 'a port that is taken', of: 'broker', args: run, yaml: `listen: { port: ${taken} }`, says, code: 1 },
    {
      what: 'a page whose port is taken',
      of: 'processor',
      args: run,
      yaml: `web: { port: ${taken} }\ndataDir: data`,
      says,
      code: 1,
    },
    {
      what: 'a Kafka that is not there',
      of: 'processor',
      args: run,
      yaml: `log: { kind: kafka, brokers: ['127.0.0.1:${free}'] }\ndataDir: data`,
      says: /waiting for an engine.*Cannot open the log kafka:.*that Kafka can be reached/s,
      code: 1,
    },
  ]
}
