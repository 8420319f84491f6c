/** What an event reports: `code` of an event record, on the timeline or of a store. */
import { catalogue } from '@millrace/platform'

const { LOG_DAMAGED, STORE_CHANNEL_TOO_FINE, STORE_DAMAGED } = catalogue

export const events = {
  CLOCK_JUMPED: {
    says: 'The processor’s clock jumped, was set, or is in doubt.',
    remedy: 'Keep it by NTP, slewed rather than stepped. Decisions go by the old time until the new one has lasted 30 s.',
  },
  CLOCK_STEADY: { says: 'The processor’s clock has been steady for half a minute.', remedy: 'Nothing.' },
  DERIVED_LIMIT: {
    says: 'There is no room for one more memory of an analysis: a derived channel is not computed.',
    remedy: 'Raise `prepare.limits.derivedLanes`, or name fewer `devices` in `prepare.analyses`.',
  },
  GATEWAY_CLOCK_CORRECTED: {
    says: 'The clock of a gateway is off the processor’s, by a known offset: its readings are corrected by it.',
    remedy: 'Keep it by NTP. Until then the readings have the right time, and the stamps are kept beside it.',
  },
  GATEWAY_CLOCK_OFF: {
    says: 'The clock of a gateway is off the processor’s, or its messages take that long.',
    remedy: 'Keep it by NTP; until then its readings are not live.',
  },
  GATEWAY_CLOCK_RIGHT: { says: 'The clock of that gateway is right again.', remedy: 'Nothing.' },
  LEDGER_FREED_UNSEEN: {
    says: 'Numbers of a stream were receipted by another log and are not in this one.',
    remedy:
      'They lie under a gap with the reason `restored` where the log was restored from a backup; otherwise check whether the log was deleted and created again.',
  },
  LOG_DAMAGED,
  NODE_REBIRTH_WANTED: {
    says: 'Messages of a Sparkplug node without receipts are missing: it is asked for its births.',
    remedy: 'Nothing when it is rare. Else look at the node’s link, and at the QoS and the queues of the broker.',
  },
  NODE_TWICE: {
    says: 'Two agents have the same node id, and send live data in turn.',
    remedy:
      'Give one of them another `node` and an account of its own: a copied card or a second installation has the id of the first.',
  },
  READINGS_IN_TIME: { says: 'No reading has been rejected for its time for half a minute.', remedy: 'Nothing.' },
  READINGS_OUT_OF_TIME: {
    says: 'Readings are rejected because their time is out of range (PREPARE_TIME).',
    remedy: 'Correct the clock that is wrong. Where it was the processor’s: `millrace replay rejected --reason PREPARE_TIME`.',
  },
  STORE_CHANNEL_TOO_FINE,
  STORE_DAMAGED,
  STORE_EXPIRED: {
    says: 'The store holds more than its bound: its oldest day expires.',
    remedy: 'Raise the bound, or keep fewer days.',
  },
  STORE_FULL: {
    says: 'The store holds more than its bound, and only the present day is left in it.',
    remedy: 'Raise the bound, or measure less.',
  },
  STORE_RECORD: {
    says: 'A record of the timeline cannot be read by the store, and is left out.',
    remedy: 'It is of a newer version, or damaged: the event names its offset.',
  },
} as const

export type EventCode = keyof typeof events
