/** How long a frame may take, on a stream or on a lane. */

import { idleStreamTimeoutMs } from '../../mesh/limits.ts'
import { slowestFrameBytesPerMs } from '../limits.ts'

/**
 * How long a frame may take from its first byte (received, or taken off the send queue). A peer that sends or reads
 * byte by byte holds memory and an upload slot no longer than this.
 */
export interface FramePatience {
  readonly idleMs: number
  readonly bytesPerMs: number
}

export const usualPatience: FramePatience = { idleMs: idleStreamTimeoutMs, bytesPerMs: slowestFrameBytesPerMs }

/** The milliseconds that so many bytes may take. */
export function frameMs({ idleMs, bytesPerMs }: FramePatience, bytes: number): number {
  return idleMs + bytes / bytesPerMs
}
