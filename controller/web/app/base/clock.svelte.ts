/** The time that ages are told by: it moves on by itself, and at once when the browser wakes up. */

const everyMs = 5_000

let now = $state(Date.now())

const move = () => {
  now = Date.now()
}
setInterval(move, everyMs)
document.addEventListener('visibilitychange', move)
window.addEventListener('focus', move)

export const clock = {
  /** Milliseconds since 1970, by this browser's clock. */
  get now(): number {
    return now
  },
}
