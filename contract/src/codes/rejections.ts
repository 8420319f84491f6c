/**
 * Why something is rejected: `reason` of a record on the rejected topic. What is an error of a process too is in its catalogue
 * (`platform/src/errors.ts`), and here by reference.
 */
import { catalogue } from '@millrace/platform'

const { PREPARE_TIME_REPEATED, SINK_RECORD_REFUSED, STORE_CHANNEL_TOO_FINE, STORE_DOCUMENT_REFUSED } = catalogue
const { STORE_POINT_NAME, STORE_POINT_REFUSED, STORE_POINT_RETENTION, STORE_POINT_TEXT, STORE_POINT_VALUE } = catalogue

export const rejections = {
  EDGE_FRAME: {
    says: 'Bytes of a device that are not a frame, or a frame with a wrong checksum.',
    remedy: 'A few are noise. Many: check the cable, the link settings, and that the decoder is the device’s.',
  },
  PREPARE_COUNT: {
    says: 'A batch holds another number of readings than its name says.',
    remedy: 'Upgrade the agent that made it; its ledger counts the difference.',
  },
  PREPARE_LIMIT: {
    says: 'It needs one more node, device, stream, channel or stretch of numbers than `prepare.limits` allows.',
    remedy: 'Raise the limit that it names, then replay it; or stop who sends under ever new names.',
  },
  PREPARE_PAYLOAD: {
    says: 'The message cannot be decoded.',
    remedy: 'Correct what sends it, or the codec that its topic is given in `prepare.plain`; then replay it.',
  },
  PREPARE_READING: {
    says: 'A reading of the message cannot be used: not a number, of another type, or of no known channel. Its neighbours are.',
    remedy: 'Correct what sends it, or the channels in the configuration; then replay it.',
  },
  PREPARE_REPEAT_DIFFERS: {
    says: 'A batch came again under the same name with other content. The first one counts.',
    remedy: 'Two agents may run from one copied disk: give each its own dataDir.',
  },
  PREPARE_TIME: {
    says: 'The time of a reading is out of range: more than `prepare.futureMsMax` after its arrival.',
    remedy: 'Correct the clock that is wrong. Where it was the processor’s, replay them.',
  },
  PREPARE_TIME_REPEATED,
  PREPARE_TOPIC: {
    says: 'The topic is not a Sparkplug topic, or the device name cannot be read from it.',
    remedy: 'Correct what publishes there, or the filter in `prepare.plain`.',
  },
  SINK_RECORD_REFUSED,
  STORE_CHANNEL_TOO_FINE,
  STORE_DOCUMENT_REFUSED,
  STORE_POINT_NAME,
  STORE_POINT_REFUSED,
  STORE_POINT_RETENTION,
  STORE_POINT_TEXT,
  STORE_POINT_VALUE,
} as const

export type RejectionReason = keyof typeof rejections
