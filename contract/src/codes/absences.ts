/** Why there is no data: what it says and what a person can do. The codes travel in gaps, on the wire and on the timeline. */
export const absences = {
  unplugged: {
    says: 'The device’s line is closed: it was unplugged, or is away.',
    remedy: 'Plug it in again; it is found under another path too.',
  },
  locked: {
    says: 'Another program holds the device’s port.',
    remedy: 'Stop the other program; `fuser` names it. The agent opens the port as soon as it is free.',
  },
  'no-permission': {
    says: 'The device’s port is there, and the agent may not open it.',
    remedy: 'Give the agent’s user the right to the port: on most systems the group `dialout`.',
  },
  unavailable: {
    says: 'The device’s port is there and cannot be opened, for another reason than a lock or a missing right.',
    remedy: 'See the agent’s log, which says why.',
  },
  'probe-off': { says: 'The device says that its probe is off.', remedy: 'Put the probe on.' },
  'out-of-range': { says: 'The device says that what it measures is out of its range.', remedy: 'See the device’s manual.' },
  searching: { says: 'The device looks for a signal.', remedy: 'Wait; move or clean the probe where it lasts.' },
  'no-value': { says: 'The device says that it has no value (a null).', remedy: 'See the device; nothing is wrong on the way.' },
  'link-down': { says: 'What the device is linked to is down.', remedy: 'Check its cable or radio.' },
  evicted: {
    says: 'Measured, and removed at the edge when the outbox was at its bound.',
    remedy: 'Keep the link up, or raise outbox.bytesMax; what was removed is counted.',
  },
  'agent-down': { says: 'No agent ran on the gateway.', remedy: 'See why it was down, in its log and the system’s.' },
  stalled: {
    says: 'The agent did not run for a while, and what waited in the line was of unknown age.',
    remedy: 'See what took the gateway’s time.',
  },
  restored: {
    says: 'Receipted after the backup from which the log was restored.',
    remedy: 'Nothing brings it back; make backups more often.',
  },
  damaged: {
    says: 'The log held it and cannot read it any more: its file is damaged.',
    remedy: 'See the event LOG_DAMAGED; check the disk. What a backup of the log holds can be restored.',
  },
} as const

export type AbsenceReason = keyof typeof absences
export const absenceReasons = Object.keys(absences) as AbsenceReason[]
