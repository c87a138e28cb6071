/** How long commands wait where no option says otherwise, the unit in the name and a reason beside each. */

/** A day: an operator who comes back later asks `thymesh status`. */
export const watchSeconds = 86_400
/** How long after Ctrl-C a second one still cancels the task of another process. */
export const leavingMs = 1_500
/** Peers on one network answer within it. A command that goes on without news is not kept for longer. */
export const newsSeconds = 2
/** A proposal may have to come from a peer that has only just been reached. */
export const proposalSeconds = 10

/** For commands that show what peers report: the first ones are found, and have told what they know. */
export const reportSeconds = 5
/** For commands that show what is signed: it comes with the first peer. */
export const documentSeconds = 2
/** For `members` and `proposals`, which come peer by peer. */
export const memberSeconds = 3
/** A device behind a slow line, which may have to be dialled first. */
export const reachSeconds = 15
/** The time limit of one evaluation by `thymesh check`; `evaluationMs` of nix/ gives the reason. */
export const checkSeconds = 120

/** Between taking the lock of its state and opening its socket a controller loads and starts; it ends the other way round. */
export const startingMs = 60_000
export const askAgainMs = 100

/** Between two looks at the whole state while events come: another process makes it for us each time. */
export const lookAgainMs = 200

/** How often a watched rollout is drawn: the times in it count down by seconds. */
export const redrawMs = 1_000
/** How often a watched status is drawn at least: the ages in it grow. */
export const agesMs = 10_000
/** How often the daemon of this machine is asked again while its answer is watched. */
export const deviceAgainMs = 2_000
/** How often `logs --follow` asks: a device answers one controller that often for long. */
export const followMs = 2_500
/** How often watched connections are shown anew: their bytes and ages grow without any event. */
export const peersMs = 2_000
