/** As much of noVNC as the page uses. */

declare module '@novnc/novnc/lib/rfb.js' {
  export interface RawChannel {
    readonly protocol: string
    readonly readyState: string
    binaryType: string
    onopen: (() => void) | null
    onerror: ((event: unknown) => void) | null
    onclose: ((event: object) => void) | null
    onmessage: ((event: { data: ArrayBuffer }) => void) | null
    send(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): void
    close(): void
  }
  class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: RawChannel, options?: { shared?: boolean })
    viewOnly: boolean
    scaleViewport: boolean
    showDotCursor: boolean
    background: string
    qualityLevel: number
    compressionLevel: number
    disconnect(): void
    focus(): void
  }
  export default RFB
}
