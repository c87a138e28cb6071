/**
 * xterm.js under the page's policy, which lets no inline style in: its `style` elements become style sheets of the document,
 * its `style` attributes are set by script.
 */

import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'

styleByScript()

export interface ShownScreen {
  readonly terminal: Terminal
  fit(): void
  dispose(): void
}

export interface XtermOptions {
  /** Screen readers get the lines as text. */
  readonly readAloud: boolean
  /** That of a recording, in which nobody types; else it is as large as the element. */
  readonly size?: { readonly columns: number; readonly rows: number }
}

/** Opens it in an element. */
export function openXterm(element: HTMLElement, { readAloud, size }: XtermOptions): ShownScreen {
  const sheets = new Set<CSSStyleSheet>()
  const look = getComputedStyle(element)
  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: false,
    scrollback: 10_000,
    screenReaderMode: readAloud,
    ...(size && { cols: size.columns, rows: size.rows, disableStdin: true }),
    fontFamily: look.getPropertyValue('--mono').trim() || 'monospace',
    fontSize: 13,
    theme: { background: '#14141c', foreground: '#e4e4ec', cursor: '#e4e4ec', selectionBackground: '#4a4a68' },
  })
  const fitting = new FitAddon()
  terminal.loadAddon(fitting)
  const create = document.createElement.bind(document)
  // All of its style elements are made now.
  document.createElement = ((name: string, init?: ElementCreationOptions) =>
    name === 'style' ? sheetElement(create('span'), sheets) : create(name, init)) as typeof document.createElement
  try {
    terminal.open(element)
  } finally {
    delete (document as Partial<Document>).createElement
  }
  if (size !== undefined) {
    // Its keys are the page's: Tab leads on.
    terminal.attachCustomKeyEventHandler(() => false)
    if (terminal.textarea) terminal.textarea.tabIndex = -1
  }
  const fit = () => {
    if (size === undefined && element.clientWidth > 0 && element.clientHeight > 0) fitting.fit()
  }
  const seen = new ResizeObserver(fit)
  seen.observe(element)
  fit()
  return {
    terminal,
    fit,
    dispose: () => {
      seen.disconnect()
      terminal.dispose()
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter(sheet => !sheets.has(sheet))
    },
  }
}

/** What a script sets as an attribute is as much a style as what it sets as a property, but for the policy. */
function styleByScript(): void {
  const set = Element.prototype.setAttribute
  HTMLSpanElement.prototype.setAttribute = function (name, value) {
    if (name === 'style') this.style.cssText = value
    else set.call(this, name, value)
  }
}

/** An element that is nothing, whose text is a style sheet of the document. */
function sheetElement(element: HTMLElement, sheets: Set<CSSStyleSheet>): HTMLElement {
  const sheet = new CSSStyleSheet()
  sheets.add(sheet)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  element.hidden = true
  Object.defineProperty(element, 'textContent', { set: (text: string) => sheet.replaceSync(text), get: () => '' })
  const remove = element.remove.bind(element)
  element.remove = () => {
    sheets.delete(sheet)
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter(each => each !== sheet)
    remove()
  }
  return element
}
