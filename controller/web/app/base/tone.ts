/** How a state looks, beside its word: so it can be told without colours, and without reading. */

export type Shape = 'disc' | 'half' | 'diamond' | 'square' | 'triangle' | 'ring' | 'up'
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet'
