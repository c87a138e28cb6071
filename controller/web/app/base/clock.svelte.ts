/**
 * The time that ages are told by: it moves on by itself, and at once when the browser wakes up. It is the controller's:
 * over `ssh -L` the browser is on another machine, whose clock may be wrong by a year.
 */

const everyMs = 5_000
/** Less is what an answer may take to come. */
const worthMs = 60_000

let browser = $state(Date.now())
let ahead = $state(0)

const move = () => {
  browser = Date.now()
}
setInterval(move, everyMs)
document.addEventListener('visibilitychange', move)
window.addEventListener('focus', move)

export const clock = {
  /** Milliseconds since 1970, by the controller's clock. */
  get now(): number {
    return browser - ahead
  },
  /** By the browser's own, for what the page itself has measured. */
  get browser(): number {
    return browser
  },
  /** How far the browser's is ahead of the controller's; 0 where they agree. */
  get ahead(): number {
    return ahead
  },
  /** Takes the time that the controller has told to who asked at a time of the browser; this computer may have slept meanwhile. */
  compare(asked: number, controller: number): void {
    const difference = controller < asked ? asked - controller : Math.min(Date.now() - controller, 0)
    ahead = Math.abs(difference) > worthMs ? difference : 0
  },
}
