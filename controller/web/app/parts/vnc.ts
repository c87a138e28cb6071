/** Screens of devices by noVNC, over a link of the page: live in an element, or one small picture. */

import imported, { type RawChannel } from '@novnc/novnc/lib/rfb.js'
import type { Failure } from '../data/client.ts'
import { openSocket } from '../data/socket.ts'

/** noVNC is a CommonJS module, whose default export a bundler may give as it is, or within. */
const RFB = (imported as unknown as { default?: typeof imported }).default ?? imported

export interface ScreenPlace {
  readonly device: string
  readonly user: string
  readonly control: boolean
}

export interface ScreenEvents {
  opened?(): void
  /** With the refusal, if it was one; called once. */
  closed(failure: Failure | undefined): void
}

interface Look {
  /** 0 to 9, as noVNC has it. */
  readonly quality: number
  readonly compression: number
}

/** Sharp enough for text over a ship's link. */
const live: Look = { quality: 6, compression: 6 }
const small: Look = { quality: 1, compression: 9 }
/** A picture over the slowest link. */
const pictureMs = 60_000
const lookAgainMs = 100
const pictureWidth = 320

/** Shows it in the element until what it gives is called. */
export function openVnc(element: HTMLElement, place: ScreenPlace, events: ScreenEvents, look = live): () => void {
  let rfb: InstanceType<typeof RFB> | undefined
  let take: RawChannel['onmessage'] = null
  const early: ArrayBuffer[] = []
  let over = false
  const channel: RawChannel = {
    protocol: '',
    binaryType: 'arraybuffer',
    onopen: null,
    onerror: null,
    onclose: null,
    get readyState() {
      return over ? 'closed' : 'open'
    },
    get onmessage() {
      return take
    },
    set onmessage(taker) {
      take = taker
      // The screen may have spoken before noVNC listened.
      queueMicrotask(() => {
        for (const data of early.splice(0)) take?.({ data })
      })
    },
    send: bytes => link.socket.send(bytes),
    close: () => link.socket.close(),
  }
  const link = openSocket('/page/screen', place, {
    said: message => {
      if (message.opened === undefined || over) return
      rfb = new RFB(element, channel, { shared: true })
      rfb.viewOnly = !place.control
      rfb.scaleViewport = true
      rfb.showDotCursor = place.control
      rfb.background = 'transparent'
      rfb.qualityLevel = look.quality
      rfb.compressionLevel = look.compression
      rfb.addEventListener('connect', () => events.opened?.())
    },
    bytes: bytes => {
      if (take === null || early.length > 0) early.push(bytes.buffer)
      else take({ data: bytes.buffer })
    },
    closed: failure => {
      if (over) return
      over = true
      channel.onclose?.({ code: 1000, reason: '', wasClean: true })
      events.closed(failure)
    },
  })
  return () => {
    if (over) return
    over = true
    rfb?.disconnect()
    link.socket.close()
  }
}

/** Draws one picture, small, into the canvas; rejects with a Failure, or with undefined where the screen ended first. */
export async function takePicture(canvas: HTMLCanvasElement, place: ScreenPlace): Promise<void> {
  const element = document.createElement('div')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const close = openVnc(element, place, { closed: reject }, small)
  const looks = setInterval(() => {
    const whole = element.querySelector('canvas')
    if (whole !== null && isDrawn(whole)) {
      draw(whole, canvas)
      resolve()
    }
  }, lookAgainMs)
  const late = setTimeout(() => reject(undefined), pictureMs)
  try {
    await promise
  } finally {
    clearInterval(looks)
    clearTimeout(late)
    close()
  }
}

/** A canvas is transparent until its first whole picture is there. */
function isDrawn(canvas: HTMLCanvasElement): boolean {
  if (canvas.width === 0 || canvas.height === 0) return false
  const last = canvas.getContext('2d')?.getImageData(canvas.width - 1, canvas.height - 1, 1, 1)
  return last?.data[3] === 255
}

function draw(from: HTMLCanvasElement, to: HTMLCanvasElement): void {
  to.width = Math.min(pictureWidth, from.width)
  to.height = Math.max(1, Math.round((from.height * to.width) / from.width))
  const context = to.getContext('2d')
  if (context === null) return
  context.imageSmoothingQuality = 'high'
  context.drawImage(from, 0, 0, to.width, to.height)
}
