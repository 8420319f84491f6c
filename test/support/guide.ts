/**
 * A guide of docs/ as steps that a program can follow, word by word:
 *
 *     ```yaml after "Save as `x.yaml`:"                     a file
 *     ```sh                                                 commands, run to their end
 *     ```sh after "... in a terminal of its own:"           commands of which the last goes on
 *     ```text behind them                                   lines that they print, in this order; `…` stands for anything
 *
 *     "Stop the processor and the agent with Ctrl-C"         in their terminals
 *
 * Commands after "Where Grafana is installed" and the like are for machines that have it.
 */
export type Step =
  | { k: 'file'; name: string; text: string }
  | { k: 'commands'; text: string; goesOn: boolean; expected: string[] }
  | { k: 'elsewhere'; text: string }
  | { k: 'stop'; what: string }

export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = []
  for (const [, prose, kind, text] of markdown.matchAll(/([\s\S]*?)(?:^```(\w+)\n([\s\S]*?)^```$|$(?![\s\S]))/gm)) {
    for (const [, names] of prose!.matchAll(/[Ss]top the ([\w\s]+?)\s+with\s+Ctrl-C/g))
      for (const name of names!.split(/\s+and\s+the\s+/)) steps.push({ k: 'stop', what: `millrace-${name.replace(/s$/, '')}` })
    const [last = ''] = prose!.trim().split('\n\n').slice(-1)
    const name = /Save as\s+`(.+?)`:$/.exec(last)?.[1]
    if (kind === 'yaml' && name) steps.push({ k: 'file', name, text: text! })
    else if (kind === 'sh' && /^Where .* (?:is installed|runs)/.test(last)) steps.push({ k: 'elsewhere', text: text! })
    else if (kind === 'sh') steps.push({ k: 'commands', text: text!, goesOn: /terminal of its own:$/.test(last), expected: [] })
    else if (kind === 'text') expectedOf(steps).push(...text!.trim().split('\n'))
    else if (kind) throw new Error(`no step: ${last}\n${kind}\n${text}`)
  }
  return steps
}

/** What the commands before it print. */
function expectedOf(steps: Step[]): string[] {
  const found = steps.findLast((step) => step.k === 'commands')
  if (!found) throw new Error('what is printed stands behind no commands')
  return found.expected
}

/** The first expected line that is not in the output, behind those before it. */
export function missing(output: string, expected: string[]): string | undefined {
  let at = 0
  for (const line of expected)
    for (const part of line.split('…').map((text) => text.trim())) {
      const found = output.indexOf(part, at)
      if (found < 0) return line
      at = found + part.length
    }
  return undefined
}
