import { stringify } from 'yaml'
import { asyncApi } from './asyncapi.ts'

export const pagePath = new URL('../../../docs/reference/asyncapi.yaml', import.meta.url)

/** The document as YAML. */
export function page(): string {
  const head = '# Made by `npm run schema` from contract/src/schema. Do not edit.\n'
  return head + stringify(asyncApi(), { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false })
}
