import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { catalogue, checkConfig } from '@millrace/platform'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { brokerSchema, checkListener } from '../../broker/src/config.ts'
import { processorSchema, stages } from '../../cloud-processor/src/config.ts'
import { openSearchSchema } from '../../cloud-processor/src/sinks/index.ts'
import { agentSchema } from '../../edge-agent/src/config.ts'
import { composeFile, kubernetesManifests, type Manifest, operations } from '../operations/manifests.ts'
import { root } from './sources.ts'

const read = (name: string) => readFileSync(join(operations, name), 'utf8')

describe('alerts', () => {
  const rules = parse(read('prometheus/millrace.rules.yaml')).groups.flatMap((group: { rules: unknown[] }) => group.rules) as {
    alert: string
    for: string
    labels: { severity: string }
    annotations: { summary: string; runbook: string }
  }[]
  const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, text]) => text!)

  test('each says how urgent it is, how long it lasted, what is so, and where to read what to do', () => {
    for (const { alert, for: lasting, labels, annotations } of rules) {
      expect([alert, labels.severity]).toEqual([alert, expect.stringMatching(/^(critical|warning|none)$/)])
      expect([alert, lasting]).toEqual([alert, expect.stringMatching(/^\d+[smh]$/)])
      expect([alert, annotations.summary]).toEqual([alert, expect.stringMatching(/^.{20,}\.$/)])
      expect([alert, annotations.runbook]).toEqual([alert, `docs/operations.md#${alert.toLowerCase()}`])
    }
  })

  test('each has its paragraph in docs/operations.md, and no paragraph is of an alert that is gone', () => {
    const names = rules.map(({ alert }) => alert).toSorted()
    expect(headings.filter((heading) => /^Millrace[A-Z]\w+$/.test(heading)).toSorted()).toEqual(names)
  })

  test('the guide names only errors that exist', () => {
    const known = new Set([...Object.keys(catalogue), 'NOT_ENOUGH_REPLICAS', 'PREPARE_TIME', 'GATEWAY_CLOCK_CORRECTED'])
    const named = [...guide.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code!)
    expect(named.filter((code) => !known.has(code))).toEqual([])
  })

  test('each is raised by a test of promtool', () => {
    const tests = read('prometheus/millrace.rules.test.yaml')
    expect(rules.map(({ alert }) => alert).filter((alert) => !tests.includes(alert))).toEqual([])
  })
})

describe('the table of retention', () => {
  const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const line = (key: string) => guide.split('\n').find((each) => each.includes(`| \`${key}\``)) ?? ''
  const { log, store } = processorSchema.parse({})
  const kafka = processorSchema.parse({ log: { kind: 'kafka' } }).log
  const sized = (bytes: number) => (bytes < 2 ** 30 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 30} GiB`)

  test('says what the defaults are', () => {
    for (const [topic, { bytesMax, hoursMax }] of Object.entries(log.retention)) {
      const big = kafka.retention[topic as keyof typeof kafka.retention].bytesMax
      expect(line(`log.retention.${topic}`)).toContain(`${hoursMax} hours or ${sized(bytesMax)} (Kafka: ${sized(big)} a replica)`)
    }
    expect(line('log.bytesMax')).toContain(`${sized(log.bytesMax)} (Kafka: ${sized(kafka.bytesMax)} a replica)`)
    if (!('retention' in store)) throw new Error('the default store is the embedded one')
    const { days, rollUpDays, bytesMax } = store.retention
    expect(line('store.retention.days')).toContain(`${days} days or ${sized(bytesMax)}`)
    expect(line('store.retention.rollUpDays')).toContain(`${rollUpDays} days`)
    const { alarms, events, rejected } = openSearchSchema.parse({}).retentionDays
    expect(line('documents.retentionDays')).toContain(`${alarms}; ${events}; ${rejected} days`)
    const { outbox } = agentSchema.parse({})
    expect(line('outbox.bytesMax')).toContain(`${sized(outbox.bytesMax)}, and ${sized(outbox.freeDiskMin)} of the disk`)
  })
})

describe('compose.yaml', () => {
  const compose = composeFile()
  const services = Object.entries(compose.services)
  const broker = checkConfig(brokerSchema, parse(read('config/broker.yaml')), 'config/broker.yaml')
  const processor = checkConfig(processorSchema, parse(read('config/processor.yaml')), 'config/processor.yaml')

  test('its configurations are good, and listen on loopback', () => {
    checkListener(broker)
    expect([broker.listen.host, broker.metrics.host, processor.web.host, processor.metrics.host]).toEqual(
      Array(4).fill('127.0.0.1'),
    )
  })

  test('every service listens on loopback alone, under a fixed version', () => {
    for (const [name, { image, ports, network_mode, environment = {}, command = [] }] of services) {
      expect([name, ports, network_mode]).toEqual([name, undefined, 'host'])
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
      const text = `${Object.entries(environment).flat().join(' ')} ${command.join(' ')}`
      expect([name, /0\.0\.0\.0|\[::\]/.test(text)]).toEqual([name, false])
    }
  })

  test('every service runs without what it does not need', () => {
    for (const [name, { cap_drop, read_only, image }] of services)
      expect([name, cap_drop, read_only]).toEqual([name, ['ALL'], image?.startsWith('millrace:') ? true : undefined])
  })

  test('what it names is there: files, configs, secrets, volumes, services', () => {
    for (const { file } of Object.values(compose.configs)) expect(existsSync(join(operations, file)), file).toBe(true)
    const made = read('make-secrets.sh')
    for (const { file } of Object.values(compose.secrets)) expect(made).toContain(file.replace('./secrets/', ''))
    for (const [, { configs = [], secrets = [], volumes = [], depends_on = {} }] of services) {
      for (const config of configs) expect(compose.configs).toHaveProperty(typeof config === 'string' ? config : config.source)
      for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret)
      for (const volume of volumes) {
        const from = volume.split(':')[0]!
        // Made by the commands at the top of the file.
        if (from.startsWith('./grafana/')) expect(read('compose.yaml')).toContain('--out operations/grafana')
        else expect(compose.volumes).toHaveProperty(from)
      }
      for (const other of Object.keys(depends_on)) expect(compose.services).toHaveProperty(other)
    }
  })

  test('every file that a configuration names is a secret or a folder of its service', () => {
    const given = (name: string) => {
      const { secrets = [], volumes = [] } = compose.services[name]!
      return [
        ...secrets.map((secret) => `/run/secrets/${secret}`),
        ...volumes.map((volume) => volume.split(':')[1]!),
        '/app/page',
      ]
    }
    const isGiven = (name: string) => (path: string) => given(name).includes(path) || given(name).includes(dirname(path))
    expect(pathsIn(broker).filter((path) => !isGiven('broker')(path))).toEqual([])
    for (const name of ['processor-1', 'processor-2', 'setup'])
      expect([name, pathsIn(processor).filter((path) => !given(name).includes(path) && path !== processor.dataDir)]).toEqual([
        name,
        [],
      ])
    expect(given('processor-1')).toContain(processor.dataDir)
  })

  test('its processors do every stage, and each is probed where it answers', () => {
    const done = services.flatMap(([, { command = [] }]) => stagesIn(command))
    expect([...new Set(done)].toSorted()).toEqual([...stages].toSorted())
    const ports = services
      .filter(([, { command = [] }]) => stagesIn(command).length > 0)
      .map(([name, service]) => {
        const { MILLRACE_METRICS_PORT: port, MILLRACE_NAME } = service.environment!
        expect(MILLRACE_NAME).toBe(name)
        expect(service.healthcheck!.test.join(' ')).toContain(`http://127.0.0.1:${port}/health`)
        return Number(port)
      })
    expect(compose.services.broker!.healthcheck!.test.join(' ')).toContain(`http://127.0.0.1:${broker.metrics.port}/health`)
    const scraped: string[] = parse(read('prometheus/prometheus.yaml')).scrape_configs.flatMap(
      (job: { static_configs: { targets: string[] }[] }) => job.static_configs.flatMap(({ targets }) => targets),
    )
    expect(scraped).toEqual([broker.metrics.port, ...ports].map((port) => `127.0.0.1:${port}`))
  })

  test('its processors find the engines where they are', () => {
    const { log, store, documents, bridge } = processor
    const text = read('compose.yaml')
    const urls = [
      bridge.url,
      ...('brokers' in log ? log.brokers : []),
      ...('url' in store ? [store.url] : []),
      ...documents!.nodes,
    ]
    for (const port of urls.map((url) => url.split(':').at(-1)!).filter((port) => port !== `${broker.listen.port}`))
      expect(text).toContain(`127.0.0.1:${port}`)
    expect(bridge.url).toBe(`mqtt://127.0.0.1:${broker.listen.port}`)
  })
})

describe('the Kubernetes manifests', () => {
  const manifests = kubernetesManifests()
  const of = (kind: string) => manifests.filter((manifest) => manifest.kind === kind)
  const workloads = [...of('Deployment'), ...of('StatefulSet')]
  const configs = of('ConfigMap').map(({ metadata, data = {} }) => {
    const [file, text] = Object.entries(data)[0]!
    const schema = file === 'broker.yaml' ? brokerSchema : processorSchema
    return { name: metadata.name, file, config: checkConfig(schema as typeof processorSchema, parse(text), file) }
  })
  const configOf = (workload: Manifest) => {
    const volume = podOf(workload).volumes.find((each: { configMap?: unknown }) => each.configMap)
    return configs.find(({ name }) => name === volume.configMap.name)!
  }

  test('their configurations are good, and open to others only with TLS and a credential', () => {
    expect(configs.map(({ file }) => file)).toEqual(['broker.yaml', 'processor.yaml'])
    checkListener(brokerSchema.parse(configs[0]!.config as unknown))
    for (const { config } of configs) expect(config.metrics).toMatchObject({ tls: {}, credential: {} })
    expect(configs[1]!.config.web).toMatchObject({ tls: {}, credential: {} })
  })

  test('everything is in the namespace, and no secret is among it', () => {
    expect(manifests.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'millrace')).toEqual([])
    expect(of('Secret')).toEqual([])
  })

  test('every container runs its program with the configuration that it is given, as nobody in particular', () => {
    for (const workload of workloads) {
      const { file } = configOf(workload)
      expect(podOf(workload).securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      for (const { args, volumeMounts, securityContext } of containersOf(workload)) {
        const program = args.find((argument: string) => argument.endsWith('.ts'))
        expect(existsSync(join(root, program)), program).toBe(true)
        const path: string = args[args.indexOf('--config') + 1]
        const mounts = volumeMounts.map((mount: { mountPath: string }) => mount.mountPath)
        expect([path.endsWith(`/${file}`), mounts.includes(dirname(path))]).toEqual([true, true])
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
    }
  })

  test('every file that a configuration names lies in a folder that is mounted', () => {
    for (const workload of workloads) {
      const { config } = configOf(workload)
      const mounts = containersOf(workload)[0].volumeMounts.map((mount: { mountPath: string }) => mount.mountPath)
      const names = pathsIn(config).filter(
        (path) => path !== '/app/page' && !mounts.includes(path) && !mounts.includes(dirname(path)),
      )
      expect([workload.metadata.name, names]).toEqual([workload.metadata.name, []])
    }
  })

  test('every mount has its volume', () => {
    for (const workload of workloads) {
      const claimed = (workload.spec.volumeClaimTemplates ?? []).map((claim: Manifest) => claim.metadata.name)
      const volumes = [...podOf(workload).volumes.map((volume: { name: string }) => volume.name), ...claimed]
      for (const { volumeMounts } of containersOf(workload)) for (const { name } of volumeMounts) expect(volumes).toContain(name)
    }
  })

  test('the processors do every stage', () => {
    const done = workloads.flatMap((workload) => containersOf(workload).flatMap(({ args }) => stagesIn(args)))
    expect(done.toSorted()).toEqual([...stages].toSorted())
  })

  test('ports, services, policies and probes agree with the configurations', () => {
    for (const workload of workloads) {
      const { config, file } = configOf(workload)
      const [container] = containersOf(workload, 'containers')
      const ports = Object.fromEntries(
        container.ports.map((p: { name: string; containerPort: number }) => [p.name, p.containerPort]),
      )
      expect(ports.metrics).toBe(config.metrics.port)
      if (file === 'broker.yaml') expect(ports.mqtts).toBe(brokerSchema.parse(config).listen.port)
      else expect(ports.https).toBe(stagesIn(container.args).includes('web') ? config.web.port : undefined)
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe])
        expect(probe.httpGet).toEqual({ path: '/health', port: 'metrics', scheme: 'HTTPS' })
    }
    for (const { spec, metadata } of of('Service')) {
      const chosen = selectedBy(spec.selector)
      expect([metadata.name, chosen.length > 0]).toEqual([metadata.name, true])
      for (const workload of chosen)
        for (const { targetPort } of spec.ports)
          expect(containersOf(workload, 'containers')[0].ports.map((port: { name: string }) => port.name)).toContain(targetPort)
    }
    for (const { spec, metadata } of of('PodDisruptionBudget'))
      expect([metadata.name, selectedBy(spec.selector.matchLabels).length]).toEqual([metadata.name, 1])
    for (const workload of workloads) {
      expect(selectedBy(workload.spec.selector.matchLabels)).toContain(workload)
      if (workload.kind === 'StatefulSet') expect(of('Service').map((s) => s.metadata.name)).toContain(workload.spec.serviceName)
    }
  })

  function selectedBy(labels: Record<string, string>): Manifest[] {
    return workloads.filter(({ spec }) =>
      Object.entries(labels).every(([name, value]) => spec.template.metadata.labels[name] === value),
    )
  }
})

// biome-ignore lint/suspicious/noExplicitAny: what a pod is, the published schemas say
function podOf({ spec }: Manifest): any {
  return spec.template.spec
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function containersOf(workload: Manifest, which: 'all' | 'containers' = 'all'): any[] {
  const { initContainers = [], containers } = podOf(workload)
  return which === 'all' ? [...initContainers, ...containers] : containers
}

function stagesIn(args: string[]): string[] {
  return args.includes('--stages') ? args[args.indexOf('--stages') + 1]!.split(',') : []
}

/** Every absolute path in a configuration. */
function pathsIn(config: unknown): string[] {
  if (typeof config === 'string') return config.startsWith('/') ? [config] : []
  if (config === null || typeof config !== 'object') return []
  return Object.values(config).flatMap(pathsIn)
}
