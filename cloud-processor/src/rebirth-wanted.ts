/**
 * `prepare` says on the timeline that it wants a node to tell its births again: an event with this code, whose device is the node
 * (`group/node`). It may not send anything itself; the bridge does, for as long as the wish is fresh. See docs/decisions/0011.
 */
export const rebirthWanted = 'NODE_REBIRTH_WANTED'
