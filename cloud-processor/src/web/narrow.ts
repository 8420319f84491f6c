/** What is gathered over all devices, as an account with a scope sees it. What is measured of the processor itself stays. */
import type { Scope } from '../people/index.ts'
import { sumLedger } from './ledger-view.ts'
import type { HelloEvent, LedgerView, PipelineStatus } from './wire.ts'

export function narrowHello(hello: HelloEvent, scope: Scope): HelloEvent {
  const { ledger } = hello
  return {
    ...hello,
    fleet: scope.keep(hello.fleet),
    alarms: scope.keep(hello.alarms),
    status: narrowStatus(hello.status, scope),
    ...(ledger ? { ledger: withoutRows(narrowLedger(ledger, scope)) } : {}),
  }
}

export function narrowStatus<Status extends PipelineStatus>(status: Status, scope: Scope): Status {
  return scope.isWhole ? status : { ...status, nodes: status.nodes.filter(({ node }) => scope.seesNode(node)) }
}

/** In flight there stays what no device is named in. */
export function narrowLedger(view: LedgerView, scope: Scope): LedgerView {
  if (scope.isWhole) return view
  const rows = scope.keep(view.rows)
  const stored = Object.fromEntries(Object.entries(view.stored).filter(([device]) => scope.sees(device)))
  return { ...view, rows, stored, ...sumLedger(rows) }
}

export const withoutRows = (view: LedgerView): LedgerView => ({ ...view, rows: [] })
