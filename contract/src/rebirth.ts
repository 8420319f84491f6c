/**
 * `prepare` says on the timeline that a node should send its births again: an event with this code, whose device is the node
 * (`group/node`). It may not send anything itself; the bridge does, while the request is fresh. See docs/decisions/0011.
 */
export const rebirthWanted = 'NODE_REBIRTH_WANTED'
