/** From the device to this page: what flows, what waits, and whether every reading is accounted for. */
import type { PipelineStatus, StageStatus } from '@millrace/cloud-processor/web'
import type { ComponentChildren } from 'preact'
import { ageText, bytesText, countText, rateText } from '../format.ts'
import { device, deviceNames, ledger, pipeline } from '../live/model.ts'
import { LedgerSection } from './ledger.tsx'

/** The page's own readers do not belong to the flow. */
const drawnApart = new Set(['bridge', 'store'])
const lagWarnMs = 1000

export function PipelineView() {
  const status = pipeline.value
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Pipeline</h1>
        <p class="summary">
          <span>
            <b>{rateText(status?.readingsPerS ?? 0)}</b> readings/s
          </span>
          {status?.latencyMs !== undefined && (
            <span>
              <b>{countText(status.latencyMs)}</b> ms from device to store
            </span>
          )}
        </p>
      </header>
      {status ? <Flow status={status} /> : <p class="soft">Waiting for the processor.</p>}
      {status && <Backlog status={status} />}
      <LedgerSection />
    </>
  )
}

function Flow({ status }: { status: PipelineStatus }) {
  const { bridge, nodes, log, stages } = status
  const online = nodes.filter((node) => node.online).length
  const devicesOnline = deviceNames.value.filter((name) => device(name)?.view.value.state === 'online').length
  const rows = nodes.reduce((sum, node) => sum + (node.backlogRows ?? 0), 0)
  const flowing = status.readingsPerS > 0
  const stored = Object.values(ledger.value?.stored ?? {}).reduce((sum, one) => sum + one.stored[0], 0)
  const inner = stages.filter(({ name }) => !drawnApart.has(name) && !name.startsWith('page'))
  const store = stages.find((stage) => stage.name === 'store')
  return (
    <ol class={`flow ${flowing ? 'flowing' : ''}`} aria-label="Stages in the order of the data">
      <Step title="Devices" well={devicesOnline > 0} trouble="silent" figure={countText(devicesOnline)} unit="online">
        {countText(deviceNames.value.length)} known
      </Step>
      <Step title="Outbox" well={rows < 1000} trouble="backlog" figure={countText(rows)} unit="rows waiting">
        {online} of {nodes.length} agents online
      </Step>
      <Step title="Broker" well={bridge.connected} trouble="down" figure={bridge.connected ? 'Up' : 'Down'} unit="">
        {bridge.connected ? 'bridge connected' : 'no connection'}
      </Step>
      <Step title="Bridge" well={bridge.connected} trouble="waiting" figure={rateText(bridge.receivedPerS)} unit="messages/s">
        {bridge.isBehind
          ? `live data first · backlog ${bytesText(bridge.backlogBytesPerS)}/s, at least ${bytesText(bridge.backlogBytesPerSMin)}/s`
          : `backlog ${bytesText(bridge.backlogBytesPerS)}/s`}
      </Step>
      <Step title="Log" well figure={bytesText(log.bytes)} unit="">
        <span class="mono">{log.id.slice(0, 12)}</span>
      </Step>
      {inner.map((stage) => (
        <StageStep key={stage.name} stage={stage} />
      ))}
      <Step title="Store" well={!store || store.lagMs < lagWarnMs} figure={countText(stored)} unit="readings">
        {store ? `${countText(store.lagRecords)} behind · ${lagText(store.lagMs)}` : 'this page reads here'}
      </Step>
    </ol>
  )
}

function StageStep({ stage }: { stage: StageStatus }) {
  const title = stage.name.charAt(0).toUpperCase() + stage.name.slice(1)
  return (
    <Step title={title} well={stage.lagMs < lagWarnMs} figure={countText(stage.lagRecords)} unit="behind">
      {lagText(stage.lagMs)} · {countText(stage.sent)} sent
    </Step>
  )
}

const lagText = (ms: number) => (ms < lagWarnMs ? `${countText(ms)} ms` : ageText(ms))

interface StepProps {
  title: string
  well: boolean
  /** What is wrong when it is not well, in a word. */
  trouble?: string
  figure: string
  unit: string
  children: ComponentChildren
}

function Step({ title, well, trouble = 'behind', figure, unit, children }: StepProps) {
  return (
    <li class={`step ${well ? '' : 'unwell'}`}>
      <span class="step-title">
        <i class="dot" aria-hidden="true" />
        {title}
        {!well && <span class="wants"> {trouble}</span>}
      </span>
      <span class="step-figure">
        {figure} <small>{unit}</small>
      </span>
      <span class="step-note soft">{children}</span>
    </li>
  )
}

function Backlog({ status: { nodes, bridge } }: { status: PipelineStatus }) {
  if (nodes.length === 0) return null
  const waiting = nodes.reduce((sum, { backlogBytes = 0 }) => sum + backlogBytes, 0)
  return (
    <section aria-labelledby="agents">
      <h2 id="agents">Edge agents</h2>
      <ul class="agents">
        {nodes.map((node) => (
          <Agent key={node.node} status={node} />
        ))}
      </ul>
      {bridge.isBehind && waiting > 0 && (
        <p class="soft">
          Live data goes first. What waits is taken within {ageText((waiting / bridge.backlogBytesPerSMin) * 1000)} at the latest.
        </p>
      )}
    </section>
  )
}

/** By agent: the most rows since its backlog was empty. */
const peaks = new Map<string, number>()

/** With a bar that shrinks as the backlog drains. */
function Agent({ status }: { status: PipelineStatus['nodes'][number] }) {
  const { node, online, backlogRows = 0, backlogBytes } = status
  const peak = backlogRows === 0 ? 0 : Math.max(peaks.get(node) ?? 0, backlogRows)
  peaks.set(node, peak)
  return (
    <li>
      <span class={`state state-${online ? 'online' : 'offline'}`}>
        <i class="dot" aria-hidden="true" />
        {online ? 'Online' : 'Offline'}
      </span>
      <b>{node}</b>
      <progress max={Math.max(200, peak)} value={backlogRows} aria-label={`Backlog of ${node}`} />
      <span class="number">
        {backlogRows === 0 ? 'nothing waits' : `${countText(backlogRows)} rows`}
        {backlogBytes ? ` · ${bytesText(backlogBytes)}` : ''}
      </span>
    </li>
  )
}
