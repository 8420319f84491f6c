import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import mqtt from 'mqtt'
import { engines, isMissing, obtain, tools } from './index.ts'

const dir = mkdtempSync('/work/tmp/rt-')
const only = process.argv.slice(2)
const want = (n: string) => !only.length || only.includes(n)
const ok = (n: string, v: unknown) => console.log(n, JSON.stringify(v))
async function j(url: string, init?: RequestInit) {
  const r = await fetch(url, init)
  const t = await r.text()
  if (!r.ok) throw new Error(`${url} ${r.status} ${t}`)
  return t
}
if (want('kafka')) {
  const k = await obtain('kafka', { dir: `${dir}/k`, security: true, config: { 'message.max.bytes': 2000000 } })
  if (isMissing(k)) throw new Error(k.missing)
  for (const how of ['open', 'plain', 'scram-sha-512'] as const) {
    const s = k.secure!
    const client = new Kafka({
      clientId: 't',
      logLevel: logLevel.NOTHING,
      ...(how === 'open'
        ? { brokers: [k.address] }
        : {
            brokers: [s.address],
            ssl: { ca: [readFileSync(s.caFile, 'utf8')] },
            sasl: { mechanism: how as 'plain', username: s.username, password: s.password },
          }),
    })
    const a = client.admin()
    await a.connect()
    const topic = `t-${how}`
    await a.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    const p = client.producer({ idempotent: true })
    await p.connect()
    await p.send({ topic, messages: [{ key: 'a', value: how }] })
    await p.disconnect()
    const c = client.consumer({ groupId: how })
    await c.connect()
    await c.subscribe({ topic, fromBeginning: true })
    const t0 = performance.now()
    const got = await new Promise((r) => c.run({ eachMessage: async ({ message }) => r(String(message.value)) }))
    ok(`kafka ${how}`, [got, Math.round(performance.now() - t0)])
    await c.disconnect()
    await a.disconnect()
  }
  const bad = new Kafka({
    logLevel: logLevel.NOTHING,
    brokers: [k.secure!.address],
    ssl: { ca: [readFileSync(k.secure!.caFile, 'utf8')] },
    sasl: { mechanism: 'plain', username: 'millrace', password: 'wrong' },
    retry: { retries: 0 },
  }).admin()
  ok(
    'kafka wrong password',
    await bad.connect().then(
      () => 'LET IN',
      (e) => e.message,
    ),
  )
  ok('kcat', execFileSync(await tools.kcat.program(), ['-b', k.address, '-t', 't-open', '-C', '-e', '-q']).toString())
  ok(
    'kcat tls',
    execFileSync(await tools.kcat.program(), [
      '-b',
      k.secure!.address,
      '-X',
      'security.protocol=SASL_SSL',
      '-X',
      'sasl.mechanism=PLAIN',
      '-X',
      'sasl.username=millrace',
      '-X',
      'sasl.password=millrace-test',
      '-X',
      `ssl.ca.location=${k.secure!.caFile}`,
      '-t',
      't-open',
      '-C',
      '-e',
      '-q',
    ]).toString(),
  )
  await k.kill()
  await k.restart()
  ok('kcat after kill', execFileSync(await tools.kcat.program(), ['-b', k.address, '-t', 't-open', '-C', '-e', '-q']).toString())
  k.freeze()
  await new Promise((r) => setTimeout(r, 4000))
  k.resume()
  ok(
    'kcat after freeze',
    execFileSync(await tools.kcat.program(), ['-b', k.address, '-t', 't-open', '-C', '-e', '-q']).toString(),
  )
  await k.stop()
}
if (want('victoria-metrics')) {
  const v = await engines['victoria-metrics'].start({ dir: `${dir}/v` })
  await j(`${v.address}/api/v2/write?precision=ms&bucket=x&org=y`, {
    method: 'POST',
    body: `vitals,subject=a hr=77 ${Date.now() - 1000}`,
  })
  await j(`${v.address}/internal/force_flush`)
  ok('vm', await j(`${v.address}/api/v1/query?query=vitals_hr`))
  await v.restart()
  ok('vm', await j(`${v.address}/api/v1/query?query=vitals_hr`))
  await v.stop()
}
for (const name of ['mosquitto', 'artemis'] as const)
  if (want(name)) {
    const m = await engines[name].start({ dir: `${dir}/${name}`, ...(name === 'mosquitto' ? { isPersistent: true } : {}) })
    const url = `mqtt://${m.address}`
    const subs = await Promise.all(
      ['s1', 's2'].map((clientId) =>
        mqtt.connectAsync(url, { clientId, protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3600 } }),
      ),
    )
    const seen: Record<string, number> = {}
    for (const s of subs) {
      await s.subscribeAsync('$share/g/a/#', { qos: 1 })
      s.on('message', () => {
        seen[s.options.clientId!] = (seen[s.options.clientId!] ?? 0) + 1
      })
    }
    const p = await mqtt.connectAsync(url, { protocolVersion: 5 })
    for (let i = 0; i < 100; i++) await p.publishAsync(`a/${i}`, 'x', { qos: 1 })
    await new Promise((r) => setTimeout(r, 500))
    ok(name, seen)
    for (const c of [...subs, p]) await c.endAsync(true)
    await m.restart()
    const again = await mqtt
      .connectAsync(url, { clientId: 's1', protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3600 } })
      .then((c) => c)
    await again.endAsync(true)
    await m.stop()
  }
if (want('questdb')) {
  const q = await engines.questdb.start({ dir: `${dir}/q` })
  await j(`${q.address}/api/v2/write?precision=ms&bucket=x&org=y`, {
    method: 'POST',
    body: `vitals,subject=a hr=77 ${Date.now() - 1000}\n`,
  })
  let t = ''
  for (let i = 0; i < 50 && !t.includes('77'); i++) {
    await new Promise((r) => setTimeout(r, 100))
    t = await j(`${q.address}/exec?query=${encodeURIComponent('select * from vitals')}`).catch((e) => e.message)
  }
  ok('questdb', t.slice(-200))
  await q.kill()
  await q.restart()
  ok('questdb', (await j(`${q.address}/exec?query=${encodeURIComponent('select * from vitals')}`)).slice(-100))
  await q.stop()
}
for (const name of ['opensearch', 'elasticsearch'] as const)
  if (want(name)) {
    const o = await engines[name].start({ dir: `${dir}/${name}` })
    ok(
      name,
      await j(`${o.address}/x/_doc/1?refresh=true`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"a":1,"@timestamp":"2026-01-01T00:00:00Z"}',
      }),
    )
    if (name === 'opensearch') {
      await j(`${o.address}/_index_template/t`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"index_patterns":["ev-*"],"data_stream":{}}',
      })
      ok(
        'ds',
        await j(`${o.address}/ev-1/_doc`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"@timestamp":"2026-01-01T00:00:00Z"}',
        }),
      )
    }
    ok(
      name,
      await j(`${o.address}/_bulk?refresh=true`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: '{"index":{"_index":"x","_id":"2"}}\n{"a":2}\n',
      }),
    )
    await o.kill()
    await o.restart()
    ok(
      name,
      await j(`${o.address}/x/_search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"size":0,"aggs":{"s":{"sum":{"field":"a"}}}}',
      }),
    )
    await o.stop()
  }
if (want('influxdb') && (await engines.influxdb.find())) {
  const i = await engines.influxdb.start({ dir: `${dir}/i` })
  const s = i.setup!
  const headers = { authorization: `Token ${s.token}` }
  await j(`${i.address}/api/v2/write?precision=ms&bucket=${s.bucket}&org=${s.org}`, {
    method: 'POST',
    headers,
    body: `vitals,subject=a hr=77 ${Date.now() - 1000}`,
  })
  const q = () =>
    j(`${i.address}/api/v2/query?org=${s.org}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/vnd.flux' },
      body: `from(bucket:"${s.bucket}")|>range(start:-1h)`,
    })
  ok('influx', await q())
  await i.kill()
  await i.restart()
  ok('influx', await q())
  ok('influxql', await j(`${i.address}/query?db=${s.bucket}&q=${encodeURIComponent('select * from vitals')}`, { headers }))
  await i.stop()
}
rmSync(dir, { recursive: true })
process.exit(0)
