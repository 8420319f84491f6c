/** HTTPS with any header, from any address of loopback. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { request } from 'node:https'

export interface Asked {
  /** POST where there is a body, else GET. */
  method?: string
  /** Undefined leaves one out that is sent otherwise. */
  headers?: OutgoingHttpHeaders
  cookie?: string | undefined
  body?: object | string | undefined
  /** Address of loopback that it comes from. */
  from?: string
  /** Ends the answer once it has begun, as of a live view. */
  isOpenEnded?: boolean
}

export interface Answer {
  code: number
  headers: IncomingHttpHeaders
  body: string
  ms: number
}

export interface Listener {
  port: number
  ca: Buffer
}

export function askPage({ port, ca }: Listener, path: string, asked: Asked): Promise<Answer> {
  const { body, cookie, from, method = body === undefined ? 'GET' : 'POST', isOpenEnded = false } = asked
  const origin = `https://localhost:${port}`
  const change = method === 'GET' || method === 'HEAD' ? {} : { origin, 'content-type': 'application/json' }
  const all = { host: `localhost:${port}`, connection: 'close', ...change, ...(cookie ? { cookie } : {}), ...asked.headers }
  const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as OutgoingHttpHeaders
  const options = { host: '127.0.0.1', servername: 'localhost', port, ca, path, method, headers, agent: false as const }
  const startMs = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, ...(from ? { localAddress: from } : {}) }, (response) => {
      let text = ''
      const end = () =>
        resolve({ code: response.statusCode!, headers: response.headers, body: text, ms: performance.now() - startMs })
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.on('end', end).on('error', end)
      if (!isOpenEnded) return
      end()
      response.destroy()
    })
    sent.on('error', reject)
    sent.end(typeof body === 'object' ? JSON.stringify(body) : body)
  })
}
