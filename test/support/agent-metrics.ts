/** What a running agent counts, asked on the socket in its data folder. */
import { request } from 'node:http'
import { join } from 'node:path'

/** By name, summed over labels. */
export function agentMetrics(dataDir: string): Promise<Map<string, number>> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(dataDir, 'agent.sock'), path: '/metrics' }, (answer) => {
      let text = ''
      answer.on('data', (part) => {
        text += part
      })
      answer.on('end', () => resolve(parse(text)))
    })
    asking.on('error', reject).end()
  })
}

function parse(text: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [, name, value] of text.matchAll(/^(\w+)(?:\{[^\n]*\})? (\S+)$/gm))
    sums.set(name!, (sums.get(name!) ?? 0) + Number(value))
  return sums
}
