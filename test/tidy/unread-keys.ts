/** Keys of configuration schemas whose name no code of the product reads: neither `config.key` nor `{ key }` taken apart. */
import { parseAst } from 'rolldown/parseAst'
import { folders, isTest, type Source, sourcesBelow } from './sources.ts'

interface Node {
  type: string
  [key: string]: unknown
}

const processes = /^(?:platform|alarms|edge-agent|broker|cloud-processor)\/src\//
/** Bodies and queries of requests, and records, are left out. */
const isConfiguration = ({ path }: Source) =>
  processes.test(path) && !isTest(path) && !/node-records|web\/(?:query|topics)/.test(path)

/** `path: key` of each. */
export function unreadKeys(sources = ofProduct()): string[] {
  const read = new Set<string>()
  const keys: [string, string][] = []
  for (const source of sources) {
    visit(parseAst(source.text, { lang: source.path.endsWith('x') ? 'tsx' : 'ts' }, source.path), (node) => {
      for (const name of readIn(node)) read.add(name)
      if (isConfiguration(source)) for (const name of keysIn(node)) keys.push([source.path, name])
    })
  }
  return keys.filter(([, name]) => !read.has(name)).map(([path, name]) => `${path}: ${name}`)
}

function ofProduct(): Source[] {
  return folders
    .filter((folder) => folder !== 'test')
    .flatMap(sourcesBelow)
    .filter(({ path }) => !isTest(path))
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (value === null || typeof value !== 'object') return
  if (typeof (value as Node).type === 'string') see(value as Node)
  for (const child of Object.values(value)) visit(child, see)
}

function readIn({ type, ...node }: Node): string[] {
  if (type === 'MemberExpression') return named(node.property as Node)
  if (type === 'ObjectPattern') return (node.properties as { key?: Node }[]).flatMap(({ key }) => (key ? named(key) : []))
  return []
}

/** Members of `z.strictObject({ ... })` and its like. */
function keysIn({ type, ...node }: Node): string[] {
  const callee = node.callee as { property?: Node } | undefined
  const [given] = (node.arguments as Node[] | undefined) ?? []
  const isSchema =
    type === 'CallExpression' && /^(?:strictObject|looseObject|extend|safeExtend)$/.test(named(callee?.property)[0] ?? '')
  if (!isSchema || given?.type !== 'ObjectExpression') return []
  return (given.properties as { key?: Node }[]).flatMap(({ key }) => named(key))
}

function named(node: Node | undefined): string[] {
  if (node?.type === 'Identifier') return [node.name as string]
  return node?.type === 'Literal' && typeof node.value === 'string' ? [node.value] : []
}
