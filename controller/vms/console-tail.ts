/** The end of what a machine printed, for messages: at its start, and later as far as that is kept. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export function consoleTail(place: string): string {
  const texts = ['start.log', 'screen.log'].map(name => {
    const file = join(place, name)
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-12).join('\n') : ''
  })
  return texts.filter(text => text !== '').join('\n')
}
