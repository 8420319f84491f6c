/** On the ports that speak HTTP: the page and the broker's metrics. */
import { request } from 'node:http'
import { openRaw } from '../../support/mqtt-bytes.ts'
import { type Attack, type Field, type Finding, randomBytes } from './attack.ts'

export const webAttacks: Attack[] = [
  randomAt('random bytes to the page', ({ system }) => system.ports.web),
  randomAt('random bytes to the metrics', ({ system }) => system.ports.metrics),
  answered('a foreign Host header', 'GET /api/ledger as another site', [421, 'WEB_FOREIGN_HOST'], (field) =>
    ask(field, '/api/ledger', { headers: { host: 'elsewhere.example' } }),
  ),
  answered(
    'a change asked for by another site',
    'POST /api/rejected/replay with a foreign Origin',
    [403, 'WEB_FOREIGN_ORIGIN'],
    (field) =>
      ask(field, '/api/rejected/replay', {
        method: 'POST',
        headers: { origin: 'http://elsewhere.example', 'content-type': 'application/json' },
        body: '{"by":"x"}',
      }),
  ),
  answered('a body of 10 MB', 'POST /api/rejected/replay', [400, 'WEB_BODY'], (field) =>
    ask(field, '/api/rejected/replay', {
      method: 'POST',
      headers: {
        origin: `http://127.0.0.1:${field.system.ports.web}`,
        'content-type': 'application/json',
        'content-length': '10485760',
      },
      body: `{"by":"${'x'.repeat(100_000)}`,
    }),
  ),
  answered('a broken query', 'GET /api/log/rejected?from=-1', [400, 'WEB_QUERY'], (field) =>
    ask(field, '/api/log/rejected?from=-1', {}),
  ),
]

function randomAt(name: string, portOf: (field: Field) => number): Attack {
  return {
    name,
    sends: 'random bytes, half of them after a request line',
    async run(field) {
      const rounds = field.isQuick ? 60 : 300
      let refused = 0
      for (let k = 0; k < rounds; k++) {
        const raw = await openRaw(portOf(field))
        const head = Buffer.from(k % 2 ? 'GET /api/ledger HTTP/1.1\r\n' : '')
        raw.socket.end(Buffer.concat([head, randomBytes(field, 1 + Math.floor(field.random() * 300)), Buffer.from('\r\n\r\n')]))
        const { isClosed, received } = await raw.untilClosed()
        if (isClosed && !/^HTTP\/1.1 2/.test(received.toString('latin1', 0, 12))) refused++
      }
      return { isHeld: refused === rounds, outcome: `${refused} of ${rounds} answered 400 or closed`, counter: 'HTTP status' }
    },
  }
}

function answered(name: string, sends: string, [status, code]: [number, string], act: (field: Field) => Promise<Answer>): Attack {
  return {
    name,
    sends,
    async run(field): Promise<Finding> {
      const { status: found, text } = await act(field)
      return { isHeld: found === status && text.includes(code), outcome: `${found} ${text.slice(0, 50)}`, counter: 'HTTP status' }
    },
  }
}

interface Answer {
  status: number
  text: string
}

function ask(
  { system }: Field,
  path: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: system.ports.web, host: '127.0.0.1', path, method, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.setTimeout(5000, () => asked.destroy(new Error('no answer')))
    asked.write(body)
    if (headers['content-length'] === undefined) asked.end()
  })
}
