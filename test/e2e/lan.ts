/**
 * The guide docs/lan.md, word by word: `node test/e2e/lan.ts`. Its commands are run in their order, its rules are put where it says, and an
 * MQTT client with the printed password and the authority's certificate stands in for the ESP32. At the end there is a chart and an
 * alarm; it says how many seconds that took, and how many lines a person had to write.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AlarmRecord } from '@millrace/contract'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { openApi } from 'millrace'
import mqtt from 'mqtt'
import { parse, parseDocument } from 'yaml'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- lan' }, {})

const guide = readFileSync(fileURLToPath(new URL('../../docs/lan.md', import.meta.url)), 'utf8')
const main = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text!)

await program('lan', async (test) => {
  const startedMs = performance.now()
  const commands = blocks('sh').map((text) => text.trim().split(' ').slice(1))
  test.check(commands.map(([name]) => name).join() === 'broker,run,device', `the guide has ${commands.length} commands`)
  const [open, run, add] = commands as [string[], string[], string[]]
  const [port, webPort] = [await freePort(), await freePort()]

  await millrace(test, [...open, '--port', `${port}`, '--web-port', `${webPort}`, '--ca-port', `${await freePort()}`]).ended
  const running = millrace(test, run)
  test.atEnd(() => running.stop())
  await until('broker and processor run', () => running.said().includes('Millrace runs'), { withinMs: 90_000 })

  const adding = millrace(test, add)
  const password = await until('the password is printed', () => /password (\S+)/.exec(adding.said())?.[1])
  const payload = { temp: 21.5, hum: 40, mode: 'auto' }
  const device = await startDevice(test, { port, password, payload })
  test.atEnd(() => device.stop())
  await adding.ended
  test.check(/temp {2}number, Cel/.test(adding.said()), 'the device was listened to, and its channels are proposed')
  test.check(!(await connects({ port, password: 'wrong' })), 'a wrong password is refused')

  const api = openApi(`http://127.0.0.1:${webPort}/`)
  const points = () => api.exportPoints('esp32-1', 'temp', 0, Date.now() + 1000).catch(() => [])
  await until('the chart has points', async () => (await points()).length > 2, { withinMs: 60_000 })
  test.say(`a chart after ${seconds(startedMs)} s`)

  const [rules] = blocks('yaml')
  const file = join(test.dir, 'processor.yaml')
  const document = parseDocument(readFileSync(file, 'utf8'))
  document.set('rules', parse(rules!).rules)
  writeFileSync(file, document.toString())
  await until('the processor has the rules', () => running.said().split('started again').length > 2, { withinMs: 30_000 })
  payload.temp = 31
  payload.mode = 'fault'
  const raised = async () => {
    const answer = await fetch(`http://127.0.0.1:${webPort}/api/alarms`).catch(() => undefined)
    const alarms = answer ? ((await answer.json()) as AlarmRecord[]) : []
    return alarms.some(({ rule }) => rule === 'too-warm') && alarms.find(({ rule }) => rule === 'pump-fault')
  }
  const alarm = await until('the alarms are raised', raised, { withinMs: 60_000 })
  test.check(alarm.state === 'fault', `the alarm of the state says "${alarm.text}"`)
  const lines = rules!.trim().split('\n').length
  test.say(
    `from nothing to an alarm on a plain device over TLS: ${seconds(startedMs)} s, 3 commands, ${lines} lines of configuration`,
  )
})

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1)
}

function millrace(test: Program, args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [main, ...args, '--data', test.dir], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise<void>((done) => {
    child.once('exit', (code) => {
      if (code !== 0) test.say(`millrace ${args.join(' ')} ended with ${code}:\n${said}`)
      done()
    })
  })
  return {
    ended,
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

interface Connection {
  port: number
  password: string
}

/** As the sketch does it: the authority's certificate, the account, a message a second. */
async function startDevice(test: Program, { port, password, payload }: Connection & { payload: object }) {
  const ca = readFileSync(join(test.dir, 'ca', 'ca.crt'))
  const client = mqtt.connect(`mqtts://localhost:${port}`, {
    ca,
    username: 'esp32-1',
    password,
    reconnectPeriod: 300,
    reconnectOnConnackError: true,
  })
  client.on('error', () => {})
  const timer = setInterval(() => client.publish('lab/esp32-1/state', JSON.stringify(payload), { qos: 1 }), 1000)
  return {
    async stop() {
      clearInterval(timer)
      await client.endAsync(true)
    },
  }
}

async function connects({ port, password }: Connection): Promise<boolean> {
  const options = { rejectUnauthorized: false, username: 'esp32-1', password, reconnectPeriod: 0, connectTimeout: 3000 }
  const client = await mqtt.connectAsync(`mqtts://localhost:${port}`, options).catch(() => undefined)
  await client?.endAsync(true)
  return client !== undefined
}
