/**
 * Members that are read or written under a computed name, `of[name]` and `name in of`, where `name` may be any text. By the
 * types, so that arrays and keys of our own (`'high' | 'low'`) do not count. `for (const name in of) of[name]` is left out: it
 * walks own members; so is a file that asks `Object.hasOwn(of, name)`.
 */
import {
  type BinaryExpression,
  type ElementAccessExpression,
  type ForInStatement,
  type Node,
  type SourceFile,
  SyntaxKind,
  type VariableDeclarationList,
} from 'typescript/unstable/ast'
import { API, type Project } from 'typescript/unstable/sync'
import { isTest, root } from './sources.ts'

interface Access {
  node: Node
  key: Node
}

const anyText = /^(?:string|any|PropertyKey|string \| number)$/
const projects = [`${root}tsconfig.json`, `${root}dashboards/web/tsconfig.json`]

/** Of the files of the product: `path: code`, as it is written. */
export function computedAccesses(): string[] {
  const api = new API({ cwd: root })
  try {
    const snapshot = api.updateSnapshot({ openProjects: projects })
    return [...new Set(snapshot.getProjects().flatMap(ofProject))].sort()
  } finally {
    api.close()
  }
}

/** These make their names themselves. */
const isLeftOut = (path: string) => isTest(path) || /node_modules|sample-|^(?:docs|simulators|dashboards\/src)\//.test(path)

function ofProject(project: Project): string[] {
  return project.program
    .getSourceFileNames()
    .filter((file) => file.startsWith(root) && !isLeftOut(file.slice(root.length)))
    .flatMap((file) => {
      const source = project.program.getSourceFile(file)!
      return accessesOfAnyText(project, source).map((code) => `${file.slice(root.length)}: ${code}`)
    })
}

function accessesOfAnyText({ checker }: Project, source: SourceFile): string[] {
  const found = accessesIn(source)
  const types = found.length === 0 ? [] : checker.getTypeAtLocation(found.map(({ key }) => key))
  return found
    .filter(({ key }, k) => key.kind === SyntaxKind.AsExpression || anyText.test(checker.typeToString(types[k]!)))
    .map(({ node }) => node.getText(source))
    .filter((code) => !source.text.includes(askedFirst(code)))
}

/** `Object.hasOwn(of, name)` of `of[name]`. */
function askedFirst(code: string): string {
  const at = code.lastIndexOf('[')
  return `Object.hasOwn(${code.slice(0, at).replace(/\?\.$/, '')}, ${code.slice(at + 1, -1)})`
}

function accessesIn(source: SourceFile): Access[] {
  const found: Access[] = []
  const walked: string[] = []
  visit(source)
  return found

  function visit(node: Node): void {
    const walk = node.kind === SyntaxKind.ForInStatement ? walkOf(node as ForInStatement, source) : undefined
    if (walk !== undefined) walked.push(walk)
    const key = keyOf(node)
    if (key && !walked.includes(node.getText(source))) found.push({ node, key })
    node.forEachChild(visit)
    if (walk !== undefined) walked.pop()
  }
}

/** `of[name]` of `for (const name in of)`. */
function walkOf({ initializer, expression }: ForInStatement, source: SourceFile): string {
  const [variable] = (initializer as VariableDeclarationList).declarations
  return `${expression.getText(source)}[${variable!.name.getText(source)}]`
}

function keyOf(node: Node): Node | undefined {
  if (node.kind === SyntaxKind.ElementAccessExpression) return (node as ElementAccessExpression).argumentExpression
  const { operatorToken, left } = node as BinaryExpression
  return node.kind === SyntaxKind.BinaryExpression && operatorToken.kind === SyntaxKind.InKeyword ? left : undefined
}
