/** `millrace run`: the broker, the processor and, where it has one, the authority's endpoint of a folder. A processor whose configuration changed is started again. */
import { existsSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processorSchema } from '@millrace/cloud-processor/config'
import { buildDashboard } from '@millrace/dashboards/build'
import { loadConfig, MillraceError, makeFolder } from '@millrace/platform'
import { Child } from '../up/children.ts'

export interface Served {
  url: string
  stop(): Promise<void>
}

/** How soon a change of the configuration is seen. */
const lookMs = 500

export async function serve(data: string, say: (text: string) => void): Promise<Served> {
  const dir = resolve(data)
  const config = join(dir, 'processor.yaml')
  if (!existsSync(config)) throw new MillraceError('CONFIG_NOT_FOUND', { path: config })
  const { web, staticDir } = loadConfig(processorSchema, config, process.env)
  makeFolder(join(dir, 'logs'))
  const broker = start(dir, { name: 'broker', specifier: '@millrace/broker/main', readyWhen: /"listening"/ }, say)
  await Promise.all([staticDir === undefined ? undefined : buildDashboard(staticDir), broker.ready])
  const endpoint = existsSync(join(dir, 'ca.yaml')) ? startEndpoint(dir, say) : undefined
  const named = { name: 'processor', specifier: '@millrace/cloud-processor/main', readyWhen: /"processor ready"/ }
  const processor = start(dir, named, say)
  watchFile(config, { interval: lookMs }, () => {
    say('the configuration changed: the processor is started again')
    const pid = processor.pid()
    if (pid !== undefined) process.kill(pid, 'SIGTERM')
  })
  await Promise.all([processor.ready, endpoint?.ready])
  const url = `${web.tls ? 'https' : 'http'}://${web.host}:${web.port}/`
  // By it the other commands find the page.
  writeFileSync(join(dir, 'up.json'), JSON.stringify({ url, data: dir }))
  return {
    url,
    async stop() {
      unwatchFile(config)
      await Promise.all([processor.stop(), endpoint?.stop()])
      await broker.stop()
    },
  }
}

interface Named {
  name: string
  specifier: string
  readyWhen: RegExp
}

function start(dir: string, { name, specifier, readyWhen }: Named, say: (text: string) => void): Child {
  const args = () => ['run', '--config', join(dir, `${name}.yaml`)]
  const script = fileURLToPath(import.meta.resolve(specifier))
  return new Child({ name, script, args, readyWhen, logFile: join(dir, 'logs', `${name}.log`), restarts: true }, say)
}

function startEndpoint(dir: string, say: (text: string) => void): Child {
  const script = fileURLToPath(import.meta.resolve('../main.ts'))
  const args = () => ['ca', 'serve', '--data', dir]
  const readyWhen = /"certificates are given"/
  return new Child({ name: 'ca', script, args, readyWhen, logFile: join(dir, 'logs', 'ca.log'), restarts: true }, say)
}
