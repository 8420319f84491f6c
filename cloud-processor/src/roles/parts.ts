/** What the roles run. It is passed to them, as the engines are, so that a test can start the same processor with one part wrapped. */
import { stopInOrder } from '@millrace/platform'
import { startBridge } from '../bridge/index.ts'
import { joinMembers, keepAssignments } from '../members/index.ts'
import { createPrepareStage } from '../prepare/index.ts'
import { createRulesStage, openNotifier } from '../rules/index.ts'

export const parts = {
  joinMembers,
  keepAssignments,
  startBridge,
  createPrepareStage,
  createRulesStage,
  openNotifier,
  stopInOrder,
}

export type Parts = typeof parts
