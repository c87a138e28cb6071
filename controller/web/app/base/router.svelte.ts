/** Where in the page one is: the fragment of the address, so that every view has a link and "back" works. */

export interface Place {
  /** Such as `devices`. */
  readonly view: string
  /** What comes behind it, such as a device's name. */
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

function read(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [view = '', ...rest] = path.split('/').map(part => decoded(part))
  return { view, rest, query: new URLSearchParams(query) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

let place = $state.raw<Place>(read())
window.addEventListener('hashchange', () => {
  place = read()
})

export const router = {
  get place(): Place {
    return place
  },
}

/** The address of a view, for links. */
export function linkTo(view: string, ...rest: readonly (string | number)[]): string {
  return `#/${[view, ...rest.map(part => encodeURIComponent(part))].join('/')}`
}

/**
 * The word of the address that asks a view to begin something, such as `?do=deploy`: once, so that it is not begun again by
 * going back.
 */
export function takeOrder(): string | undefined {
  const order = place.query.get('do') ?? undefined
  if (order !== undefined) setQuery({ do: undefined })
  return order
}

/** Changes filters in the address without a step to go back to. */
export function setQuery(values: Record<string, string | undefined>): void {
  const query = new URLSearchParams(place.query)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  const path = location.hash.split('?')[0] ?? ''
  history.replaceState(null, '', text === '' ? path : `${path}?${text}`)
  place = read()
}
