/** The outlines of the shapes of states, around the origin: in lists, and in the picture of the mesh. */

import type { Shape } from './tone.ts'

const disc = 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0Z'

export const outlines: Readonly<Record<Shape, string>> = {
  disc,
  ring: disc,
  half: disc,
  diamond: 'M0-5 5 0 0 5-5 0Z',
  square: 'M-4.25-4.25h8.5v8.5h-8.5Z',
  triangle: 'M0-4.75 5.25 4.5h-10.5Z',
  up: 'M0 4.5V-4.5M-3.75-.75 0-4.5 3.75-.75',
}

/** Of a half disc, the half that is filled. */
export const halfFilled = 'M0-4.5a4.5 4.5 0 0 1 0 9Z'

/** Whether only the outline is drawn: of what was and may be no more, and of shapes that have no inside. */
export function isHollow(shape: Shape, old: boolean): boolean {
  return old || shape === 'ring' || shape === 'up' || shape === 'half'
}
