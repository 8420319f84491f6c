/** NDATA of an agent that says how the configuration of its gateway is, or answers an order. It is outside the ledger. */
import { gatewayReport, nodeMetrics } from '@millrace/contract'
import { decodePayload, SparkplugError } from '@millrace/contract/sparkplug'
import { ZodError } from 'zod'
import { type Context, reject, toTimeline } from '../context.ts'
import type { SparkplugMessage } from '../message.ts'

/** A copy that the broker kept, or a replay, says how it was once. */
export function takeReport(context: Context, message: SparkplugMessage): void {
  const { node, receivedMs, isRetained, isReplay } = message
  if (isRetained || isReplay) return
  try {
    const text = decodePayload(message.payload).metrics.find(({ name }) => name === nodeMetrics.report)?.value
    const report = gatewayReport.parse(JSON.parse(typeof text === 'string' ? text : ''))
    toTimeline(context, { f: 1, k: 'gateway', subject: node, node, receivedMs, report })
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ZodError || error instanceof SparkplugError)) throw error
    const detail = `report of a gateway is not readable: ${error.message.slice(0, 200)}`
    reject(context, message, { reason: 'PREPARE_PAYLOAD', detail, lost: [0, 0], node })
  }
}
