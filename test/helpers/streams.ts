/** Two ends of a libp2p stream in memory, with a window that the test opens. */

import type { ComponentLogger, Logger, Stream } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'

/** The type that this version of the utils takes; the interface's own is of another version of the same list. */
type Data = Parameters<AbstractStream['sendData']>[0]

const quiet: Logger = Object.assign(() => {}, { enabled: false, error() {}, trace() {}, newScope: () => quiet })

/** A logger for libp2p parts that says nothing. */
export const quietLogger: ComponentLogger = { forComponent: () => quiet }

/** One end. Its data arrives in a later tick, as on a network. */
class TestStream extends AbstractStream {
  other: TestStream | undefined
  /** Bytes that the other end still takes. */
  window: number
  /** The most bytes that waited here to be sent. */
  peakBytes = 0

  constructor(direction: 'inbound' | 'outbound', window: number) {
    super({ id: direction, direction, log: quiet })
    this.window = window
  }

  sendData(data: Data): { sentBytes: number; canSendMore: boolean } {
    const length = data.byteLength
    const sentBytes = Math.min(this.window, length)
    this.window -= sentBytes
    const bytes = data.subarray(0, sentBytes).slice()
    if (sentBytes > 0) setImmediate(() => this.other?.onData(bytes))
    return { sentBytes, canSendMore: sentBytes === length }
  }

  override send(data: Uint8Array | Data): boolean {
    const more = super.send(data)
    this.peakBytes = Math.max(this.peakBytes, this.writeBufferLength)
    return more
  }

  /** The other end takes this many bytes more. */
  grant(bytes: number): void {
    this.window += bytes
    if (this.writableNeedsDrain) this.safeDispatchEvent('drain')
  }

  sendReset(): void {
    setImmediate(() => this.other?.onRemoteReset())
  }

  async sendCloseWrite(): Promise<void> {
    setImmediate(() => this.other?.onRemoteCloseWrite())
  }

  async sendCloseRead(): Promise<void> {}
  sendPause(): void {}
  sendResume(): void {}
}

export type TestEnd = Stream & Pick<TestStream, 'grant' | 'peakBytes'>

/** Both ends of a new stream. */
export function testStreams(options: { window?: number } = {}): [TestEnd, TestEnd] {
  const window = options.window ?? Number.POSITIVE_INFINITY
  const ends: [TestStream, TestStream] = [new TestStream('outbound', window), new TestStream('inbound', window)]
  ends[0].other = ends[1]
  ends[1].other = ends[0]
  return ends as unknown as [TestEnd, TestEnd]
}
