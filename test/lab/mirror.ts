/** The Debian mirror that this machine uses itself, read from its apt sources in either format. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LabError } from './errors.ts'

/** One archive of apt's: `deb URI SUITE COMPONENT…`. */
export interface AptSource {
  uri: string
  suite: string
  components: string[]
}

/** The sources of a one-line `sources.list` (sources.list(5)); options in brackets are passed over. */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap(line => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line)
    const [, uri, suite, components] = match ?? []
    return uri === undefined || suite === undefined ? [] : [{ uri, suite, components: words(components) }]
  })
}

/** The sources of a deb822 `.sources` file (sources.list(5)): stanzas of fields, every URI with every suite. */
export function parseDeb822(text: string): AptSource[] {
  const uncommented = text.replace(/^#.*\n?/gm, '')
  return uncommented.split(/\n\s*\n/).flatMap(stanza => {
    const field = (name: string) => words(new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1])
    if (!field('Types').includes('deb') || field('Enabled')[0]?.toLowerCase() === 'no') return []
    const components = field('Components')
    return field('URIs').flatMap(uri => field('Suites').map(suite => ({ uri, suite, components })))
  })
}

/**
 * The mirror to take `suite` from: the one that serves it to this machine, else the one that serves this Debian's own
 * suite (mirrors carry all of them). `THYMESH_LAB_MIRROR` overrides.
 */
export function mirrorFor(suite: string, sources: AptSource[], codename: string | undefined): string {
  const chosen = process.env.THYMESH_LAB_MIRROR
  if (chosen !== undefined && chosen !== '') return chosen
  const usable = sources.filter(({ uri, components }) => /^(https?|file):/.test(uri) && components.includes('main'))
  const found = usable.find(source => source.suite === suite) ?? usable.find(source => source.suite === codename)
  if (found === undefined) {
    throw new LabError(
      'lab-missing',
      `expected an apt source with Debian ${suite} main, found ${usable.length} others`,
      {
        hint: 'Set THYMESH_LAB_MIRROR to the URL of a Debian mirror.',
      },
    )
  }
  return found.uri
}

/** This machine's mirror for `suite`. */
export function machineMirror(suite: string): string {
  const release = readIfThere('/etc/os-release')
  const debian = /^ID="?debian"?$/m.test(release)
  const codename = debian ? /^VERSION_CODENAME="?(\w+)"?$/m.exec(release)?.[1] : undefined
  return mirrorFor(suite, readSources('/etc/apt'), codename)
}

function readSources(apt: string): AptSource[] {
  const parts = join(apt, 'sources.list.d')
  let names: string[] = []
  try {
    names = readdirSync(parts).sort()
  } catch {
    // Not every machine has the directory; the one file below may say it all.
  }
  const inParts = names.flatMap(name => {
    if (name.endsWith('.sources')) return parseDeb822(readIfThere(join(parts, name)))
    return name.endsWith('.list') ? parseOneLine(readIfThere(join(parts, name))) : []
  })
  return [...parseOneLine(readIfThere(join(apt, 'sources.list'))), ...inParts]
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter(word => word !== '')
}
