/**
 * What is in operations/, held against those who will read it: Prometheus' own tool runs the alert rules' tests, and published
 * schemas check compose.yaml and the Kubernetes manifests, strictly. Nothing is deployed: there may be no container engine here.
 *
 *   node test/operations/main.ts
 */
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import type { ValidateFunction } from 'ajv'
import { run } from '../engines/command.ts'
import { promtool } from '../engines/promtool/promtool.ts'
import { CannotRun, program } from '../support/program.ts'
import { composeFile, kubernetesManifests, operations } from './manifests.ts'
import { composeSchema, getSchemas, kubernetesSchema, kubernetesVersions } from './schemas.ts'

readArguments({ call: 'npm run break -- operations' }, {})

await program('operations', async (test) => {
  let missing = ''
  await part('promtool', () => promtool.get(test.say), checkRules)
  await part('the published schemas', getSchemas, async () => {
    checkCompose()
    for (const version of kubernetesVersions) checkKubernetes(version)
  })
  if (missing !== '') throw new CannotRun(missing)

  /** What is unavailable is named, and what can be checked without it is. */
  async function part(what: string, get: () => Promise<void>, check: () => Promise<void>): Promise<void> {
    try {
      await get()
    } catch (error) {
      test.say(`${what} could not be had: ${(error as Error).message}`)
      missing += `${what} `
      return
    }
    await check()
  }

  async function checkRules(): Promise<void> {
    const tool = await promtool.program()
    const cwd = join(operations, 'prometheus')
    const says = (args: string[]) => run(tool, args, { cwd }).then(lastLine, (error: Error) => `FAILED ${error.message}`)
    for (const args of [
      ['check', 'rules', 'millrace.rules.yaml'],
      ['check', 'config', '--syntax-only', 'prometheus.yaml'],
      ['test', 'rules', 'millrace.rules.test.yaml'],
    ]) {
      const said = await says(args)
      test.check(!said.startsWith('FAILED'), `promtool ${args.join(' ')}: ${said}`)
    }
  }

  function checkCompose(): void {
    const schema = composeSchema()
    const file = composeFile()
    test.check(schema(file), `compose.yaml is what the Compose Specification says${faultsOf(schema)}`)
    const misspelt = { ...file, services: { ...file.services, broker: { ...file.services.broker, restrat: 'always' } } }
    test.check(!schema(misspelt), 'a misspelt key of a service would have been found')
  }

  function checkKubernetes(version: string): void {
    const schemaOf = kubernetesSchema(version)
    const manifests = kubernetesManifests()
    for (const { file, ...manifest } of manifests) {
      const schema = schemaOf(manifest.kind, manifest.apiVersion)
      const name = `${file}: ${manifest.kind} ${manifest.metadata.name}`
      test.check(
        schema?.(manifest) === true,
        `${name} is what Kubernetes ${version} says${schema ? faultsOf(schema) : ': no such kind'}`,
      )
    }
    const { file: _, ...policy } = manifests.find(({ kind }) => kind === 'PodDisruptionBudget')!
    const misspelt = { ...policy, spec: { ...policy.spec, maxUnavailabel: 1 } }
    test.check(!schemaOf(policy.kind, policy.apiVersion)!(misspelt), `a misspelt key would have been found (${version})`)
  }
})

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!.trim()
}

function faultsOf({ errors }: ValidateFunction): string {
  return (errors ?? [])
    .map(({ instancePath, message, params }) => `\n    ${instancePath}: ${message} ${JSON.stringify(params)}`)
    .join('')
}
